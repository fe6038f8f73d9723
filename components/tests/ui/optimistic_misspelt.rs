use vivaz_components::{List, LiveComponent, LiveState, actions};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Row { id: u64, title: String, #[serde(skip)] secret: String }

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
    <form live:submit="add($form.title)" live:optimistic="rows.push({ id: $temp, titel: $form.title, secret: 'x' }); rows.remove(rows[0].idd)">
        <input name="title">
    </form>
"#)]
struct Page {
    rows: List<Row>,
}

#[actions]
impl Page {
    #[action]
    fn add(&mut self, title: String) {
        self.rows.push(Row { title, ..Row::default() });
    }
}

fn main() {}
