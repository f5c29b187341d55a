//! Doing an import: the check of the whole file, then pieces, each in one transaction that holds the writer for moments.

use std::{cell::Cell, sync::Arc, time::Instant};

use jiff::SignedDuration;
use serde_json::{Value as J, json};
use store::Value;

use super::{
    check::{Checker, Source, as_field, existing, may_import},
    entity::{Import, ImportRow, ImportState},
    record::{Fault, Record},
    report::{Problems, plain},
    resolve::Resolver,
};
use crate::{
    access::{Kind as PrincipalKind, Principal},
    cx::Cx,
    engine::Kernel,
    error::{Error, Result},
    field::{FileId, Json},
    rec::Rec,
    value::{AnyRef, Id},
};

/// For how long a program has an import to itself before it must say so again.
const LEASE: SignedDuration = SignedDuration::from_secs(10);
/// How long the writer is to be held at once.
const HOLD_MS: u128 = 20;
/// Records of a piece.
const LEAST: usize = 16;
const MOST: usize = 512;
/// Largest file that is brought by the command line.
const MAX_BROUGHT: usize = 200 << 20;
/// Records that were refused although the check let them pass, as far as they are told.
const TOLD: usize = 100;

/// A piece that was written.
#[derive(Default)]
struct Piece {
    created: i64,
    changed: i64,
    refused: Vec<Fault>,
}

fn busy() -> Error {
    Error::refused("import_running")
}

/// Whether trying record by record may help where a whole piece was refused.
fn of_a_record(error: &Error) -> bool {
    error.status < 500 && !matches!(error.code.as_ref(), "conflict" | "import_running" | "stale")
}

impl Kernel {
    /// Checks a whole file and writes nothing: what would become of it.
    ///
    /// # Errors
    /// Files that cannot be read, mappings that make no sense, rights.
    pub fn check_import(&self, who: &Arc<Principal>, entity: &str, options: &J, content: &[u8]) -> Result<J> {
        self.read(who, |cx| may_import(cx, entity))?;
        let source = Source::open(&self.schema(), who, entity, options, content)?;
        let mut checker = Checker::new(&source.plan);
        let (tally, rows) = source.chunks(&|| MOST, &mut |records| {
            self.read(who, |cx| checker.chunk(cx, &source, records))?;
            Ok(true)
        })?;
        Ok(checker.report(&source, &tally, rows))
    }

    /// Begins an import of a content that whoever may write the database brings; the same file for the same entity goes on
    /// where it was.
    ///
    /// # Errors
    /// Rights; `import_done` where all of it is here already and `again` is not said.
    pub fn begin_import(
        &self,
        who: &Arc<Principal>,
        name: &str,
        entity: &str,
        options: &J,
        content: &[u8],
        again: bool,
    ) -> Result<i64> {
        // What makes no sense is told before anything is kept.
        Source::open(&self.schema(), who, entity, options, content)?;
        let hash = self.shared().files.put_up_to(content, MAX_BROUGHT)?;
        let media_type = crate::files::sniff(content, name);
        self.work(who, "sys.import.start", |cx| {
            let file = crate::sys::File {
                name: name.chars().filter(|c| !c.is_control()).take(200).collect(),
                media_type: media_type.to_owned(),
                size: content.len() as i64,
                hash: hash.clone(),
                by: (cx.who().user != 0).then_some(cx.who().user),
                at: cx.now(),
            };
            let known = cx.first::<crate::sys::File>(&[("hash", Value::from(hash.as_str()))])?;
            let file = match known {
                Some(file) => file.id,
                None => cx.insert(file)?,
            };
            begin(cx, FileId(file.raw()), name, &hash, entity, options, again).map(|id| id.raw())
        })
    }

    /// How an import stands.
    ///
    /// # Errors
    /// 404 where there is none.
    pub fn import_state(&self, who: &Arc<Principal>, id: i64) -> Result<J> {
        self.read(who, |cx| Ok(told(&cx.get(Id::<Import>::new(id))?)))
    }

    /// Works on an import until it is done, refused, stopped or taken back, or until `watch` wants no more.
    ///
    /// # Errors
    /// `import_running` where another program works on it.
    pub fn run_import(&self, system: &Arc<Principal>, id: i64, watch: &mut dyn FnMut(&J) -> bool) -> Result<J> {
        let runner =
            blake3::hash(format!("{}:{:?}", std::process::id(), Instant::now()).as_bytes()).to_hex()[..16].to_owned();
        let id = Id::<Import>::new(id);
        let import = self.work(system, "sys.import.run", |cx| claim(cx, id, &runner, true))?;
        let done = self.go_on(system, &import, &runner, watch);
        let ended = self.work(system, "sys.import.run", |cx| {
            let mut import = cx.hold(id)?;
            if import.runner.as_deref() != Some(runner.as_str()) {
                return Err(busy());
            }
            (import.runner, import.leased) = (None, None);
            if let Err(error) = &done
                && error.status < 500
                && error.code != "import_running"
            {
                // What cannot be done now will not do by itself later.
                let problem =
                    json!({"code": error.code, "message": cx.schema().error_message(cx.company().language, error)});
                let mut report = import.report.take().map_or_else(|| json!({}), |r| r.0);
                report["error"] = problem;
                import.report = Some(Json(report));
                import.state = match import.state {
                    ImportState::Checking => ImportState::Refused,
                    ImportState::Undoing => ImportState::Done,
                    _ => ImportState::Stopped,
                };
                import.ended = Some(cx.now());
            }
            cx.save(&mut import)?;
            Ok(told(&import))
        });
        done?;
        ended
    }

    fn go_on(
        &self,
        system: &Arc<Principal>,
        import: &Rec<Import>,
        runner: &str,
        watch: &mut dyn FnMut(&J) -> bool,
    ) -> Result<()> {
        let who = match import.by {
            Some(user) => self.principal(user, system.company.id)?,
            None => {
                let login = import.by_name.clone();
                Arc::new(Principal { name: login.clone(), login, ..(**system).clone() })
            }
        };
        if import.state == ImportState::Undoing {
            return self.undo_import(&who, import.id, runner, watch);
        }
        let hash = self.read(system, |cx| Ok(cx.get(Id::<crate::sys::File>::new(import.file.0))?.hash.clone()))?;
        let content = self.shared().files.get(&hash)?;
        let options = import.options.clone().map_or(J::Null, |options| options.0);
        let source = Source::open(&self.schema(), &who, &import.entity, &options, &content)?;
        let mut called = None;
        if import.state == ImportState::Checking {
            match self.check_phase(&who, import.id, runner, &source, watch)? {
                Some(resolver) => called = Some(resolver),
                None => return Ok(()),
            }
        }
        let mut resolver = called.unwrap_or_else(|| {
            let mut resolver = Resolver::new(source.plan.def.name);
            // After a break what the file calls its own records is not known: they are looked up when they are there.
            resolver.called_all = true;
            resolver
        });
        self.write_phase(&who, import.id, runner, &source, &mut resolver, watch)
    }

    /// The whole file is tried; what is wrong with it refuses it.
    fn check_phase(
        &self,
        who: &Arc<Principal>,
        id: Id<Import>,
        runner: &str,
        source: &Source<'_>,
        watch: &mut dyn FnMut(&J) -> bool,
    ) -> Result<Option<Resolver>> {
        let mut checker = Checker::new(&source.plan);
        let mut beat = Instant::now();
        let mut left = false;
        let (tally, rows) = source.chunks(&|| MOST, &mut |records| {
            self.read(who, |cx| checker.chunk(cx, source, records))?;
            if beat.elapsed().as_millis() > 1_000 {
                beat = Instant::now();
                let import = self.work(who, "sys.import.run", |cx| claim(cx, id, runner, false))?;
                left = import.state != ImportState::Checking || !watch(&told(&import));
            }
            Ok(!left)
        })?;
        if left {
            return Ok(None);
        }
        let report = checker.report(source, &tally, rows);
        let refused = checker.problems.count > 0;
        let import = self.work(who, "sys.import.run", |cx| {
            let mut import = claim(cx, id, runner, false)?;
            if import.state != ImportState::Checking {
                return Ok(import);
            }
            import.report = Some(Json(report.clone()));
            import.total = i64::try_from(checker.records).ok();
            import.state = if refused { ImportState::Refused } else { ImportState::Running };
            import.ended = refused.then(|| cx.now());
            cx.save(&mut import)?;
            Ok(import)
        })?;
        let more = watch(&told(&import));
        Ok((more && import.state == ImportState::Running).then_some(checker.resolver))
    }

    fn write_phase(
        &self,
        who: &Arc<Principal>,
        id: Id<Import>,
        runner: &str,
        source: &Source<'_>,
        resolver: &mut Resolver,
        watch: &mut dyn FnMut(&J) -> bool,
    ) -> Result<()> {
        // What is written already is passed over.
        let mut skip = self.read(who, |cx| Ok(cx.get(id)?.done))?;
        let size = Cell::new(64_usize);
        let mut finished = true;
        source.chunks(&|| size.get(), &mut |mut records| {
            let passed = usize::try_from(skip).unwrap_or(0).min(records.len());
            skip -= passed as i64;
            records.drain(..passed);
            if records.is_empty() {
                return Ok(true);
            }
            self.read(who, |cx| records.iter_mut().try_for_each(|record| resolver.record(cx, record)))?;
            let count = records.len();
            let mut took = 0;
            let mut write = |careful: bool| {
                self.work_on(who, "sys.import.start", Some(AnyRef::new("sys.import", id.raw())), |cx| {
                    let began = Instant::now();
                    let import = write(cx, id, runner, source, resolver, &records, careful);
                    took = began.elapsed().as_millis();
                    import
                })
            };
            let import = match write(false) {
                Err(error) if of_a_record(&error) => write(true),
                other => other,
            }?;
            // The next piece is as large as fits into the time.
            let fits = count as u128 * HOLD_MS / took.max(1);
            size.set(usize::try_from(fits).unwrap_or(MOST).clamp(LEAST, MOST).min(count * 2).max(LEAST));
            finished = import.state == ImportState::Running && watch(&told(&import));
            Ok(finished)
        })?;
        if finished {
            self.work(who, "sys.import.run", |cx| {
                let mut import = claim(cx, id, runner, false)?;
                if import.state == ImportState::Running {
                    import.state = ImportState::Done;
                    import.ended = Some(cx.now());
                    cx.save(&mut import)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Works on the imports that wait, in every company; answers how many there were.
    ///
    /// # Errors
    /// As reading does; one that fails does not stop the others.
    pub fn run_imports(&self, stop: &dyn Fn() -> bool) -> Result<usize> {
        let mut count = 0;
        for system in self.systems()? {
            let now = self.shared().now().as_microsecond();
            let waiting: Vec<i64> = self.read(&system, |cx| {
                let text = "SELECT id FROM sys_import WHERE company = ? AND state IN ('checking', 'running', 'undoing') \
                    AND (leased IS NULL OR leased < ?) ORDER BY id LIMIT 20";
                let rows = cx.conn().rows(text, &[Value::Int(system.company.id), Value::Int(now)])?;
                Ok(rows.iter().filter_map(|row| row.first().and_then(Value::as_int)).collect())
            })?;
            for id in waiting {
                if stop() {
                    return Ok(count);
                }
                count += 1;
                match self.run_import(&system, id, &mut |_| !stop()) {
                    Ok(_) => {}
                    Err(error) if error.code == "import_running" => {}
                    Err(error) => tracing::error!(id, %error, "an import failed"),
                }
            }
        }
        Ok(count)
    }
}

/// Takes an import for a program, or says again that it has it.
pub(super) fn claim(cx: &mut Cx<'_>, id: Id<Import>, runner: &str, first: bool) -> Result<Rec<Import>> {
    let mut import = cx.hold(id)?;
    let mine = import.runner.as_deref() == Some(runner);
    let free = import.runner.is_none() || import.leased.is_none_or(|until| until < cx.now());
    if !(mine || first && free) {
        return Err(busy());
    }
    import.runner = Some(runner.to_owned());
    import.leased = cx.now().checked_add(LEASE).ok();
    cx.save(&mut import)?;
    Ok(import)
}

/// Makes the record of an import, or finds the one that the same file has.
pub(super) fn begin(
    cx: &mut Cx<'_>,
    file: FileId,
    name: &str,
    digest: &str,
    entity: &str,
    options: &J,
    again: bool,
) -> Result<Id<Import>> {
    may_import(cx, entity)?;
    cx.hold_name(&format!("import {digest} {entity}"), cx.company().id, true)?;
    let options = match options {
        J::Null => json!({}),
        other => other.clone(),
    };
    let before = cx.by::<Import>(&[("digest", Value::from(digest))])?;
    let same =
        |import: &Rec<Import>| import.entity == entity && import.options.as_ref().is_some_and(|o| o.0 == options);
    for mut import in before.into_iter().rev().filter(same) {
        match import.state {
            ImportState::Checking | ImportState::Running => return Ok(import.id),
            ImportState::Stopped => {
                import.state = if import.total.is_some() { ImportState::Running } else { ImportState::Checking };
                import.ended = None;
                cx.save(&mut import)?;
                return Ok(import.id);
            }
            ImportState::Done if !again => return Err(Error::refused("import_done").with("id", import.id.raw())),
            ImportState::Undoing => return Err(busy()),
            ImportState::Done | ImportState::Refused | ImportState::Undone => {}
        }
    }
    let person = cx.who().kind == PrincipalKind::Person && cx.who().user != 0;
    cx.insert(Import {
        name: name.chars().filter(|c| !c.is_control()).take(200).collect(),
        entity: entity.to_owned(),
        file,
        digest: digest.to_owned(),
        options: Some(Json(options)),
        state: ImportState::Checking,
        total: None,
        done: 0,
        created: 0,
        changed: 0,
        failed: 0,
        undone: 0,
        kept: 0,
        report: None,
        by: person.then_some(cx.who().user),
        by_name: cx.who().login.clone(),
        at: cx.now(),
        ended: None,
        runner: None,
        leased: None,
        undo_at: None,
    })
}

/// Writes a piece: together, or carefully record by record where one of them is refused.
fn write(
    cx: &mut Cx<'_>,
    id: Id<Import>,
    runner: &str,
    source: &Source<'_>,
    resolver: &mut Resolver,
    records: &[Record],
    careful: bool,
) -> Result<Rec<Import>> {
    let mut import = claim(cx, id, runner, false)?;
    if import.state != ImportState::Running {
        return Ok(import);
    }
    let mut piece = Piece::default();
    let mut rows = Vec::new();
    let mut together: Vec<(u64, J)> = Vec::new();
    for record in records {
        let mut record = record.clone();
        if !record.wanted.is_empty() {
            // It refers to one before it.
            flush(cx, source, &mut together, &mut rows, id, &mut piece)?;
            let all = std::mem::take(&mut resolver.called_all);
            let called = std::mem::take(&mut resolver.called);
            let looked_up = resolver.record(cx, &mut record);
            (resolver.called, resolver.called_all) = (called, all);
            looked_up?;
        }
        if let Some(fault) = record.faults.first() {
            piece.refused.push(fault.clone());
            continue;
        }
        let old = match existing(cx, &source.plan, &source.mapping, &record)? {
            Ok(old) => old,
            Err(error) => {
                piece.refused.push(Fault { line: record.line, column: None, error, value: String::new() });
                continue;
            }
        };
        let body = J::Object(std::mem::take(&mut record.body));
        if careful {
            let wrote = cx.savepoint(|cx| {
                let wrote = one(cx, source, old, &body)?;
                cx.settle_events()?;
                Ok(wrote)
            });
            match wrote {
                Ok(wrote) => note(&mut rows, &mut piece, id, record.line, old, wrote),
                Err(error) if error.status >= 500 => return Err(error),
                Err(error) => {
                    let error = as_field(&error);
                    piece.refused.push(Fault { line: record.line, column: None, error, value: String::new() });
                }
            }
        } else if old.is_some() {
            flush(cx, source, &mut together, &mut rows, id, &mut piece)?;
            let wrote = one(cx, source, old, &body)?;
            note(&mut rows, &mut piece, id, record.line, old, wrote);
        } else {
            together.push((record.line, body));
        }
    }
    flush(cx, source, &mut together, &mut rows, id, &mut piece)?;
    cx.insert_all(rows)?;
    import.done += records.len() as i64;
    import.created += piece.created;
    import.changed += piece.changed;
    import.failed += piece.refused.len() as i64;
    if !piece.refused.is_empty() {
        let mut report = import.report.take().map_or_else(|| json!({}), |r| r.0);
        let mut problems = Problems::default();
        let told: Vec<J> = piece.refused.iter().map(|fault| failed(cx, source, fault)).collect();
        piece.refused.into_iter().for_each(|fault| problems.add(fault));
        let mut list = report["failed"].as_array().cloned().unwrap_or_default();
        list.extend(told);
        list.truncate(TOLD);
        report["failed"] = J::Array(list);
        import.report = Some(Json(report));
    }
    cx.save(&mut import)?;
    // What rules remarked was told by the check.
    cx.collected.notes.clear();
    cx.collected.links.clear();
    Ok(import)
}

fn failed(cx: &Cx<'_>, source: &Source<'_>, fault: &Fault) -> J {
    json!({
        "line": fault.line,
        "field": plain(&fault.error.field),
        "code": fault.error.code,
        "message": cx.schema().field_message(source.who.language, &fault.error),
    })
}

fn one(cx: &mut Cx<'_>, source: &Source<'_>, old: Option<i64>, body: &J) -> Result<(i64, i64)> {
    match old {
        Some(id) => {
            let before = cx.row_of(&source.plan, id)?.rev;
            let (id, rev) = cx.change(source.plan.def.name, id, None, body)?;
            // Nothing changed, nothing to take back.
            Ok((id, if rev == before { 0 } else { rev }))
        }
        None => cx.create(source.plan.def.name, body),
    }
}

fn note(
    rows: &mut Vec<ImportRow>,
    piece: &mut Piece,
    import: Id<Import>,
    line: u64,
    old: Option<i64>,
    wrote: (i64, i64),
) {
    let (record, rev) = wrote;
    if old.is_some() {
        piece.changed += i64::from(rev != 0)
    } else {
        piece.created += 1
    }
    if rev != 0 {
        let line = i64::try_from(line).unwrap_or(0);
        rows.push(ImportRow { import, line, record, rev, changed: old.is_some() });
    }
}

/// Creates what waits, together.
fn flush(
    cx: &mut Cx<'_>,
    source: &Source<'_>,
    together: &mut Vec<(u64, J)>,
    rows: &mut Vec<ImportRow>,
    import: Id<Import>,
    piece: &mut Piece,
) -> Result<()> {
    if together.is_empty() {
        return Ok(());
    }
    let bodies: Vec<&J> = together.iter().map(|(_, body)| body).collect();
    let made = cx.create_all(source.plan.def.name, &bodies)?;
    for ((line, _), id) in together.drain(..).zip(made) {
        note(rows, piece, import, line, None, (id, 1));
    }
    Ok(())
}

/// An import as it is told.
pub(super) fn told(import: &Rec<Import>) -> J {
    let moment = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": import.id.raw(),
        "name": import.name,
        "entity": import.entity,
        "state": import.state.value(),
        "total": import.total,
        "done": import.done,
        "created": import.created,
        "changed": import.changed,
        "failed": import.failed,
        "undone": import.undone,
        "kept": import.kept,
        "at": moment(Some(import.at)),
        "ended": moment(import.ended),
        "report": import.report.as_ref().map(|report| &report.0),
    })
}
