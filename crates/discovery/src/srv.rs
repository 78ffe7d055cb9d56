//! Which of several machines offers a service: the order of SRV records (RFC 2782).

/// One record's data. The target is a name without the dot at its end; empty: the root, which means "no such service here".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub target: String,
}

/// What the records come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Service {
    /// The domain says that it does not offer the service at all.
    Denied,
    /// In the order in which they are to be tried; empty: nothing is said, so the name itself is meant.
    Offered(Vec<Srv>),
}

/// More machines of one service are not tried: whoever fails at so many fails.
pub const MOST_TARGETS: usize = 8;

/// Orders the records: by priority, and within one by chance according to the weights. `chance` gives a number from 0 to
/// its argument, both included.
pub fn choose(mut records: Vec<Srv>, mut chance: impl FnMut(u32) -> u32) -> Service {
    if let [only] = records.as_slice()
        && only.target.is_empty()
    {
        return Service::Denied;
    }
    // Beside others the root means nothing (RFC 2782: only a single record says no).
    records.retain(|record| !record.target.is_empty());
    // Those of weight 0 first, as the selection below wants it; by name after that, so that chance alone decides.
    records.sort_by(|one, other| {
        let key = |record: &Srv| (record.priority, record.weight != 0);
        key(one).cmp(&key(other)).then_with(|| (&one.target, one.port).cmp(&(&other.target, other.port)))
    });
    let mut order = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let equals = records.iter().take_while(|record| record.priority == priority).count();
        let sum = records[..equals].iter().map(|record| u32::from(record.weight)).sum();
        let drawn = chance(sum);
        let mut running = 0;
        let place = records[..equals].iter().position(|record| {
            running += u32::from(record.weight);
            running >= drawn
        });
        order.push(records.remove(place.unwrap_or(0)));
    }
    order.truncate(MOST_TARGETS);
    Service::Offered(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(texts: &[(u16, u16, &str)]) -> Vec<Srv> {
        let record = |(priority, weight, target): &(u16, u16, &str)| Srv {
            priority: *priority,
            weight: *weight,
            port: 6697,
            target: (*target).to_owned(),
        };
        texts.iter().map(record).collect()
    }

    #[test]
    fn records_are_ordered_by_priority_then_by_chance() {
        let check = |texts: &[(u16, u16, &str)], drawn: &[u32], expected: &[&str]| {
            let mut drawn = drawn.iter();
            let chosen = choose(records(texts), |most| {
                let number = *drawn.next().expect("as many numbers as records");
                assert!(number <= most, "{number} is drawn, and at most {most} can be");
                number
            });
            let Service::Offered(order) = chosen else { panic!("{texts:?} is denied") };
            let order: Vec<&str> = order.iter().map(|record| record.target.as_str()).collect();
            assert_eq!(order, expected, "{texts:?} {drawn:?}");
        };
        check(&[], &[], &[]);
        check(&[(20, 0, "b"), (10, 0, "a")], &[0, 0], &["a", "b"]);
        // 0 is drawn: those of weight 0 come first. Otherwise the running sum decides: a 1 to 3, b 4 to 4.
        check(&[(1, 3, "a"), (1, 1, "b"), (1, 0, "c")], &[0, 1, 0], &["c", "a", "b"]);
        check(&[(1, 3, "a"), (1, 1, "b"), (1, 0, "c")], &[4, 3, 0], &["b", "a", "c"]);
        check(&[(1, 65_535, "a"), (1, 65_535, "b"), (0, 7, "z")], &[7, 65_536, 65_535], &["z", "b", "a"]);
        // The root beside others says nothing.
        check(&[(1, 0, ""), (2, 0, "a")], &[0], &["a"]);
    }

    #[test]
    fn weights_are_shares() {
        // A hundred numbers, one each: so many times is each of them first.
        let first = |drawn: u32| match choose(records(&[(1, 75, "a"), (1, 25, "b")]), |most| drawn.min(most)) {
            Service::Offered(order) => order[0].target.clone(),
            Service::Denied => panic!("denied"),
        };
        let firsts = (1..=100).map(first).filter(|target| target == "a").count();
        assert_eq!(firsts, 75);
    }

    #[test]
    fn the_root_alone_says_no() {
        assert_eq!(choose(records(&[(0, 0, "")]), |_| 0), Service::Denied);
    }

    #[test]
    fn so_many_and_no_more() {
        let many = vec![(1, 1, "a"); 100];
        let Service::Offered(order) = choose(records(&many), |most| most) else { panic!("denied") };
        assert_eq!(order.len(), MOST_TARGETS);
    }
}
