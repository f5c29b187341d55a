//! Work that moves instances without anybody asking: timers that are due, and runs that go on.

use bpmn::Event;
use jiff::SignedDuration;
use kernel::{Cx, Error, Id, Json, Result, Value};
use serde_json::Value as J;

use crate::instance::{Instance, Timer, advance, load};

/// Timers in one transaction.
const BATCH: usize = 20;
/// Minutes after which a timer is tried again whose step was refused.
const AGAIN: i64 = 10;

/// Fires the company's timers that are due, each once; true when more are due.
pub(crate) fn fire(_: &Json, cx: &mut Cx<'_>) -> Result<bool> {
    let now = cx.now();
    let company = cx.company().id;
    let rows = cx.conn().rows(
        "SELECT id FROM process_timer WHERE company = ? AND due <= ? ORDER BY due, id LIMIT ?",
        &[Value::Int(company), Value::Int(now.as_microsecond()), Value::Int(BATCH as i64 + 1)],
    )?;
    for row in rows.iter().take(BATCH) {
        let id = Id::<Timer>::new(row.first().and_then(Value::as_int).unwrap_or(0));
        // A step that is refused waits for better days and holds no other timer up.
        let fired = cx.savepoint(|cx| {
            // An earlier timer of this batch may have taken it back.
            let Ok(timer) = cx.get(id) else { return Ok(()) };
            let mut running = load(cx, timer.instance)?;
            advance(cx, &mut running, Event::TimerFired { token: timer.token, timer: timer.listen })
        });
        match fired {
            Ok(()) => {}
            Err(error) if error.status < 500 => {
                let mut timer = cx.get(id)?;
                timer.due =
                    now.checked_add(SignedDuration::from_mins(AGAIN)).map_err(|e| Error::internal(e.to_string()))?;
                cx.save(&mut timer)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(rows.len() > BATCH)
}

/// Goes on with an instance whose budget was used up.
pub(crate) fn go_on(payload: &Json, cx: &mut Cx<'_>) -> Result<bool> {
    let id = Id::<Instance>::new(payload.0.get("instance").and_then(J::as_i64).unwrap_or(0));
    let mut running = load(cx, id)?;
    if running.state.ended().is_none() && running.state.is_pending() {
        advance(cx, &mut running, Event::Continue)?;
    }
    Ok(false)
}
