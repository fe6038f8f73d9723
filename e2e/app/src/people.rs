//! A list whose key is a field that changes, with a child in each row.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(
    name = "people",
    inline = r#"
    <button type="button" live:click="exchange()">Exchange</button>
    <button type="button" live:click="rename(1, 'eve')">Rename</button>
    <button type="button" live:click="rename(1, 'cid')">Repeat</button>
    <button type="button" live:click="rename(1, 'ann')">Restore</button>
    <ul><li live:for="p in people" live:key="p.name">
      <b>{{ p.name }}</b><live:person name="{{ p.name }}"></live:person>
    </li></ul>
"#
)]
pub(crate) struct People {
    people: List<Named>,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
struct Named {
    id: u32,
    name: String,
}

#[actions]
impl People {
    fn mount() -> Self {
        let named = |(id, name): (u32, &str)| Named { id, name: name.to_owned() };
        Self { people: [(1, "ann"), (2, "bob"), (3, "cid")].map(named).into_iter().collect() }
    }

    #[action]
    fn exchange(&mut self) {
        self.people.update(1, |person| person.name = "bob".to_owned());
        self.people.update(2, |person| person.name = "ann".to_owned());
    }

    #[action]
    fn rename(&mut self, id: u32, name: String) {
        self.people.update(id, |person| person.name = name);
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "person",
    inline = "<em>{{ name }}</em><button live:click='greet()'>Greet</button><i>{{ greeted }}</i>"
)]
struct Person {
    #[live(prop)]
    name: String,
    greeted: u32,
}

#[actions]
impl Person {
    #[action]
    fn greet(&mut self) {
        self.greeted += 1;
    }
}
