//! The connections of a shard by slot. A slot's generation changes with each tenant, so a stale id finds nobody.

use super::connection::Connection;
use chat::id::SessionId;

#[derive(Debug)]
pub struct Slab {
    shard: u16,
    places: Vec<Place>,
    vacant: Vec<u32>,
}

#[derive(Debug)]
struct Place {
    generation: u32,
    tenant: Option<Connection>,
}

impl Slab {
    pub fn new(shard: u16) -> Slab {
        Slab { shard, places: Vec::new(), vacant: Vec::new() }
    }

    pub fn insert(&mut self, make: impl FnOnce(SessionId) -> Connection) -> SessionId {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, tenant: None });
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[slot as usize];
        place.generation = place.generation.wrapping_add(1);
        let id = SessionId { shard: self.shard, slot, generation: place.generation };
        place.tenant = Some(make(id));
        id
    }

    pub fn remove(&mut self, slot: u32) -> Option<Connection> {
        let tenant = self.places.get_mut(slot as usize)?.tenant.take()?;
        self.vacant.push(slot);
        Some(tenant)
    }

    pub fn at(&mut self, slot: u32) -> Option<&mut Connection> {
        self.places.get_mut(slot as usize)?.tenant.as_mut()
    }

    pub fn find(&mut self, id: SessionId) -> Option<&mut Connection> {
        self.at(id.slot).filter(|connection| connection.id == id)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn len(&self) -> usize {
        self.places.len() - self.vacant.len()
    }

    pub fn slots(&self) -> Vec<u32> {
        (0..self.places.len() as u32).filter(|slot| self.places[*slot as usize].tenant.is_some()).collect()
    }
}
