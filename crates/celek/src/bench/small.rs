//! The small operation that is measured: it changes one tracked field of one record and says that it did. The module is there
//! for the measurement only.

use kernel::{Cx, Entity, Event, Id, Module, Operation, Result, Run, entity, event, op};

/// Something that is counted.
#[derive(Entity)]
#[entity(name = "bench.counter", title = name, plain, read = "*", write = "*")]
pub struct Counter {
    /// Whose it is.
    pub name: String,
    /// How often it was counted.
    #[field(by_operation, tracked)]
    pub count: i64,
}

/// Counts once more.
#[derive(Operation)]
#[operation(name = "bench.counter.add", on = Counter, allow = "*", no_inverse = "It is counted for a measurement only.")]
pub struct Add {
    /// The counter.
    pub counter: Id<Counter>,
}

impl Run for Add {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let mut counter = cx.target(self.counter)?;
        counter.count += 1;
        cx.save(&mut counter)?;
        cx.emit(Counted { counter: self.counter })
    }
}

/// It was counted.
#[derive(Event)]
#[event(name = "bench.counter.counted", subject = counter)]
pub struct Counted {
    /// The counter.
    pub counter: Id<Counter>,
}

/// What the measurement adds to the program.
pub static MODULE: Module = Module {
    name: "bench",
    entities: &[entity::<Counter>()],
    operations: &[op::<Add>()],
    events: &[event::<Counted>()],
    ..Module::BASE
};
