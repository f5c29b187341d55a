use kernel::{Cx, Entity, Error, Event, Id, Module, Operation, Result, Rules, Run, choice, entity, event, on, op};

choice!(
    /// Where a book is.
    BookState { Here = "here" => "green", Lent = "lent" => "amber" }
);

/// A book that colleagues lend each other.
#[derive(Entity)]
#[entity(name = "library.book", title = name, status = state, read = "*", write = "sales", area = "people")]
pub struct Book {
    /// Title.
    #[field(unique, searchable)]
    pub name: String,
    /// Where it is.
    #[field(by_operation, tracked)]
    pub state: BookState,
    /// How often it was lent.
    #[field(by_operation)]
    pub times: i64,
}

impl Rules for Book {
    fn check(_old: Option<&Self>, new: &mut Self, _cx: &mut Cx<'_>) -> Result<()> {
        if new.name.contains('?') { Err(Error::field("name", "library.question")) } else { Ok(()) }
    }
}

/// Lends a book that is here.
#[derive(Operation)]
#[operation(name = "library.book.lend", on = Book, when = [BookState::Here], allow = "*", button = 1,
    no_inverse = "It moves no value; the book is brought back.")]
pub struct Lend {
    /// The book.
    pub book: Id<Book>,
    /// How many days.
    #[field(check = "days > 0")]
    pub days: i64,
}

impl Run for Lend {
    type Output = ();
    // Asked before the click too, on a snapshot.
    fn guard(&self, _cx: &mut Cx<'_>) -> Result<()> {
        if self.days > 30 { Err(Error::refused("library.too_long")) } else { Ok(()) }
    }
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut book = cx.target(self.book)?;
        book.state = BookState::Lent;
        cx.save(&mut book)?;
        cx.emit(BookLent { book: self.book })
    }
}

/// A book was lent.
#[derive(Event)]
#[event(name = "library.book.lent", subject = book)]
pub struct BookLent {
    /// The book.
    pub book: Id<Book>,
}

fn count(lent: &BookLent, cx: &mut Cx<'_>) -> Result<()> {
    let mut book = cx.get(lent.book)?;
    book.times += 1;
    cx.save(&mut book)
}

/// What the module owns.
pub static MODULE: Module = Module {
    name: "library",
    entities: &[entity::<Book>()],
    operations: &[op::<Lend>()],
    events: &[event::<BookLent>()],
    listens: &[on!(BookLent, count)],
    errors: &["library.question", "library.too_long"],
    catalogues: &[("en", include_str!("en.toml")), ("cs", include_str!("cs.toml"))],
    views: &[("library.book", include_str!("book.view.toml"))],
    ..Module::BASE
};
