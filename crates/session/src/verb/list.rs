//! LIST (RFC 2812 section 3.2.6), with the conditions of ELIST: C, M, N, T and U (Modern IRC "ELIST Parameter"), and, as
//! ELIST has no letter for it, A of ours: when something was last said.

use super::{Phase, Verb};
use crate::targets;
use crate::time_text::time_text;
use crate::turn::Turn;
use chat::command::Command;
use chat::name::{ChatroomName, NameRules};
use chat::query::{Query, RoomFilter, RoomRow};
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "LIST",
    parameters: 0,
    phase: Phase::Registered,
    cost: 3,
    receive,
    help: "LIST [<condition>{,<condition>}]\n\
           Shows rooms. A condition is a name, a mask such as #tea*, !mask for those that do not match, >N or <N for \
           the number of people, C>N or C<N for rooms made more or less than N minutes ago, T>N or T<N for topics, A>N or \
           A<N for what was last said. With the capability parlor/activity each room has the tag parlor/activity, when \
           something was last said there.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if targets::is_this_server(turn, line.param(1)) {
        let filter = filter_of(line.param(0).unwrap_or_default(), &turn.facts.name_rules);
        turn.ask(Command::Ask(Query::Rooms(Box::new(filter))));
    }
}

/// Reads the conditions. All hold at once, except that of names and of masks one is enough.
fn filter_of(conditions: &str, rules: &NameRules) -> RoomFilter {
    let mut filter = RoomFilter::default();
    for condition in targets::list(conditions) {
        let letter_sign = condition.get(..2).map(str::to_ascii_uppercase);
        let number = |skip: usize| condition.get(skip..).and_then(|digits| digits.parse::<u64>().ok());
        match (letter_sign.as_deref(), condition.as_bytes()[0]) {
            (Some("C>"), _) if number(2).is_some() => filter.created_more_than_ago = number(2),
            (Some("C<"), _) if number(2).is_some() => filter.created_less_than_ago = number(2),
            (Some("T>"), _) if number(2).is_some() => filter.topic_more_than_ago = number(2),
            (Some("T<"), _) if number(2).is_some() => filter.topic_less_than_ago = number(2),
            (Some("A>"), _) if number(2).is_some() => filter.said_more_than_ago = number(2),
            (Some("A<"), _) if number(2).is_some() => filter.said_less_than_ago = number(2),
            (_, b'>') if number(1).is_some() => filter.more_members_than = number(1).map(size),
            (_, b'<') if number(1).is_some() => filter.fewer_members_than = number(1).map(size),
            (_, b'!') => filter.not_masks.push(condition[1..].into()),
            _ => match ChatroomName::parse(condition, rules) {
                Ok(name) => filter.names.push(name),
                // A name with wildcards is no room's name.
                Err(_) => filter.masks.push(condition.into()),
            },
        }
    }
    filter
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// 321, 322 and 323.
pub(crate) fn write(turn: &mut Turn<'_>, rows: &[RoomRow]) {
    turn.numeric(Numeric::RPL_LISTSTART).param("Channel").trailing("Users  Name");
    for row in rows {
        let line = match row.last_said.filter(|_| turn.has(Capability::ParlorActivity)) {
            Some(at) => {
                let at = time_text(at);
                turn.tagged_numeric(Numeric::RPL_LIST, "parlor/activity", str::from_utf8(&at).unwrap_or_default())
            }
            None => turn.numeric(Numeric::RPL_LIST),
        };
        line.param(&row.name)
            .param_fmt(format_args!("{}", row.members))
            .trailing_cut(row.topic.as_deref().unwrap_or_default());
    }
    turn.numeric(Numeric::RPL_LISTEND).trailing("End of LIST");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn conditions_are_read() {
        let check = |text: &str, expected: &str| {
            let found = filter_of(text, &NameRules::default());
            let names: Vec<&str> = found.names.iter().map(|name| name.text().as_str()).collect();
            let found = format!(
                "{names:?} {:?} {:?} U>{:?} U<{:?} C>{:?} C<{:?} T>{:?} T<{:?} A>{:?} A<{:?}",
                found.masks,
                found.not_masks,
                found.more_members_than,
                found.fewer_members_than,
                found.created_more_than_ago,
                found.created_less_than_ago,
                found.topic_more_than_ago,
                found.topic_less_than_ago,
                found.said_more_than_ago,
                found.said_less_than_ago
            );
            let found = found.replace("Some(", "").replace("None", "-").replace(')', "");
            assert_eq!(found, expected, "{text:?}");
        };
        check("", "[] [] [] U>- U<- C>- C<- T>- T<- A>- A<-");
        check("#tea,#Milk", r##"["#tea", "#Milk"] [] [] U>- U<- C>- C<- T>- T<- A>- A<-"##);
        check("*an1,!#x*", r##"[] ["*an1"] ["#x*"] U>- U<- C>- C<- T>- T<- A>- A<-"##);
        check(">3,<10", "[] [] [] U>3 U<10 C>- C<- T>- T<- A>- A<-");
        check("C>5,c<9,T<1,t>0", "[] [] [] U>- U<- C>5 C<9 T>0 T<1 A>- A<-");
        check("A>60,a<5", "[] [] [] U>- U<- C>- C<- T>- T<- A>60 A<5");
        check("C>x,>", r##"[] ["C>x", ">"] [] U>- U<- C>- C<- T>- T<- A>- A<-"##);
    }

    #[test]
    fn rooms_are_listed() {
        check(
            "alice=
             bob=
             alice> JOIN #tea,#milk,#secret
             alice> TOPIC #tea :green tea
             alice> MODE #secret +s
             alice<<
             bob> LIST
             bob< :irc.example 321 bob Channel :Users  Name
             bob< :irc.example 322 bob #lobby 0 :
             bob< :irc.example 322 bob #tea 1 :green tea
             bob< :irc.example 322 bob #milk 1 :
             bob< :irc.example 323 bob :End of LIST
             bob> LIST *e*,<2
             bob< :irc.example 321 bob Channel :Users  Name
             bob< :irc.example 322 bob #tea 1 :green tea
             bob< :irc.example 323 bob :End of LIST
             bob> LIST #secret
             bob< :irc.example 321 bob Channel :Users  Name
             bob< :irc.example 323 bob :End of LIST
             alice> LIST #secret
             alice< :irc.example 321 alice Channel :Users  Name
             alice< :irc.example 322 alice #secret 1 :
             alice< :irc.example 323 alice :End of LIST
             bob> LIST * other.example
             bob< :irc.example 402 bob other.example :…",
        );
    }

    #[test]
    fn when_something_was_last_said() {
        check(
            "alice=
             bob= parlor/activity batch labeled-response server-time
             alice> JOIN #tea,#milk,#secret
             alice<<
             alice> MODE #secret +s
             alice<<
             alice> PRIVMSG #secret :psst
             alice> PRIVMSG #tea :hi
             +60
             alice> PRIVMSG @#tea :among us
             bob> LIST
             bob< @time=… :irc.example 321 bob Channel :Users  Name
             bob< @time=… :irc.example 322 bob #lobby 0 :
             bob< @time=…;parlor/activity=2023-11-14T22:13:20.000Z :irc.example 322 bob #tea 1 :
             bob< @time=… :irc.example 322 bob #milk 1 :
             bob< @time=… :irc.example 323 bob :End of LIST
             bob> @label=1 LIST A<3
             bob< @label=1;time=… :irc.example BATCH +1 labeled-response
             bob< @batch=1;time=… :irc.example 321 bob Channel :Users  Name
             bob< @batch=1;time=…;parlor/activity=2023-11-14T22:13:20.000Z :irc.example 322 bob #tea 1 :
             bob< @batch=1;time=… :irc.example 323 bob :End of LIST
             bob< @time=… :irc.example BATCH -1
             alice> LIST A<1
             alice< :irc.example 321 alice Channel :Users  Name
             alice< :irc.example 323 alice :End of LIST
             alice> LIST A>0,#*e*
             alice< :irc.example 321 alice Channel :Users  Name
             alice< :irc.example 322 alice #tea 1 :
             alice< :irc.example 322 alice #secret 1 :
             alice< :irc.example 323 alice :End of LIST",
        );
    }
}
