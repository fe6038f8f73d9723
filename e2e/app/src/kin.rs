//! Children whose props the server computes: from a list, from shared state, and from values of the
//! page.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "kin", template = "kin.html", children(Relative))]
pub(crate) struct Kin {
    #[live(default = vec![Person::new(1)])]
    people: Vec<Person>,
    #[live(shared = "weather/here")]
    weather: Shared<Weather>,
    #[live(model, default)]
    word: String,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
pub(crate) struct Person {
    #[live(key)]
    id: String,
    age: u32,
}

impl Person {
    fn new(number: usize) -> Self {
        Self { id: format!("p{number}"), age: 30 }
    }
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
pub(crate) struct Weather {
    degrees: i32,
}

impl Topic for Weather {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_key: &String, _who: &Identity) -> Result<()> {
        Ok(())
    }
}

#[actions]
impl Kin {
    #[action]
    fn grow(&mut self) {
        for person in &mut self.people {
            person.age += 1;
        }
    }

    #[action]
    fn join(&mut self) {
        let number = self.people.len() + 1;
        self.people.push(Person::new(number));
    }

    #[action]
    fn warm(&mut self) {
        self.weather.update(|weather| weather.degrees += 5);
    }
}

/// Not open: a page can mount it only at its place in its parent.
#[derive(LiveComponent, Clone)]
#[live(name = "relative", template = "relative.html")]
pub(crate) struct Relative {
    #[live(prop)]
    name: String,
    #[live(prop)]
    age: u32,
    #[live(prop)]
    degrees: i32,
    #[live(prop, page, default = "short".to_owned())]
    manner: String,
}

#[actions]
impl Relative {}
