//! The whole of a database as one stream that fits either kind of database: every table as it stood at one moment, and every
//! stored file. A stream that is cut off, or in which a byte was changed, is refused as a whole.
//!
//! The stream is a row of frames (a letter, a length, the content): `H` what it is, `T` a table with its columns, `R` a row,
//! `E` the end of a table with its number of rows, `F` a file, `Z` the digest of everything before.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read, Write},
    sync::Arc,
};

use serde_json::{Value as J, json};
use store::{Conn, Dialect, Value, quoted};

use crate::{
    access::Principal,
    custom,
    cx::{Cx, Mode},
    engine::{Kernel, SCHEMA_VERSION},
    error::Error,
    schema::{Schema, next_version},
};

/// Version of the form.
const FORM: u64 = 1;
/// Longest content of a frame.
const LONGEST: usize = 256 * 1024 * 1024;
/// Tables in which each database keeps how it was made itself.
const OWN: [&str; 2] = ["sys_migration", "sys_schema"];
/// What is defined at run time comes first: it says which tables follow.
const FIRST: [&str; 2] = ["sys_custom_entity", "sys_custom_field"];
/// Parameters of one statement that puts rows in.
const PARAMS: usize = 600;

/// Why the whole could not be written or read, in English.
#[derive(Debug)]
pub struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Problem {}
impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self(error.to_string())
    }
}
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}
impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
            _ => Self(error.to_string()),
        }
    }
}

fn damaged(why: &str) -> Problem {
    Problem(format!("the backup is damaged: {why}"))
}

type Result<T> = std::result::Result<T, Problem>;

/// What was written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tables.
    pub tables: u64,
    /// Rows of all of them.
    pub rows: u64,
    /// Stored files.
    pub files: u64,
}

/// Writes frames and remembers their digest.
struct Frames<'a> {
    out: &'a mut dyn Write,
    hash: blake3::Hasher,
}

impl Frames<'_> {
    fn put(&mut self, kind: u8, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).ok().filter(|length| *length as usize <= LONGEST);
        let length = length.ok_or_else(|| io::Error::other("a row is larger than a backup can hold"))?.to_le_bytes();
        for part in [&[kind][..], &length, content] {
            self.hash.update(part);
            self.out.write_all(part)?;
        }
        Ok(())
    }

    fn told(&mut self, kind: u8, content: &J) -> io::Result<()> {
        self.put(kind, content.to_string().as_bytes())
    }
}

fn write_row(row: &[Value], into: &mut Vec<u8>) {
    into.clear();
    for value in row {
        let mut long = |kind: u8, bytes: &[u8]| {
            into.push(kind);
            into.extend((bytes.len() as u64).to_le_bytes());
            into.extend(bytes);
        };
        match value {
            Value::Text(text) => long(2, text.as_bytes()),
            Value::Blob(bytes) => long(3, bytes),
            Value::Int(number) => {
                into.push(1);
                into.extend(number.to_le_bytes());
            }
            Value::Null => into.push(0),
        }
    }
}

fn read_row(mut from: &[u8], columns: usize, into: &mut Vec<Value>) -> Result<()> {
    let wrong = || damaged("a row cannot be read");
    let before = into.len();
    while let Some((kind, rest)) = from.split_first() {
        from = rest;
        let mut number = || -> Result<[u8; 8]> {
            let (number, rest) = from.split_first_chunk::<8>().ok_or_else(wrong)?;
            from = rest;
            Ok(*number)
        };
        into.push(match kind {
            0 => Value::Null,
            1 => Value::Int(i64::from_le_bytes(number()?)),
            2 | 3 => {
                let length = usize::try_from(u64::from_le_bytes(number()?)).map_err(|_| wrong())?;
                let (bytes, rest) = from.split_at_checked(length).ok_or_else(wrong)?;
                from = rest;
                match kind {
                    2 => Value::Text(String::from_utf8(bytes.to_vec()).map_err(|_| wrong())?),
                    _ => Value::Blob(bytes.to_vec()),
                }
            }
            _ => return Err(wrong()),
        });
    }
    if into.len() - before == columns { Ok(()) } else { Err(wrong()) }
}

/// One frame of a stream.
enum Frame<'a> {
    Table(String, Vec<String>),
    /// Its content, to be read when somebody wants it.
    Row(&'a [u8]),
    End,
    File(String, &'a [u8]),
}

/// Reads all frames, in an order that makes sense, and proves the digest; answers what there was.
fn read_frames(input: &mut dyn Read, mut each: impl FnMut(Frame<'_>) -> Result<()>) -> Result<Tally> {
    let (mut hash, mut tally, mut content) = (blake3::Hasher::new(), Tally::default(), Vec::new());
    let (mut begun, mut table) = (false, None::<u64>);
    loop {
        let mut head = [0_u8; 5];
        input.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(damaged("a part is too long"));
        }
        content.clear();
        // As much as is really there, whatever the length says.
        if io::copy(&mut (&mut *input).take(length as u64), &mut content)? != length as u64 {
            return Err(damaged("it ends too early"));
        }
        let digest = hash.finalize();
        hash.update(&head);
        hash.update(&content);
        let told = || serde_json::from_slice::<J>(&content).map_err(|_| damaged("a part cannot be read"));
        match (kind, begun, table) {
            (b'H', false, _) => {
                header(&told()?)?;
                begun = true;
            }
            (b'T', true, None) => {
                let told = told()?;
                let columns = told["columns"].as_array().into_iter().flatten().filter_map(J::as_str).map(str::to_owned);
                let name = told["name"].as_str().ok_or_else(|| damaged("a table without a name"))?;
                table = Some(0);
                tally.tables += 1;
                each(Frame::Table(name.to_owned(), columns.collect()))?;
            }
            (b'R', true, Some(rows)) => {
                table = Some(rows + 1);
                tally.rows += 1;
                each(Frame::Row(&content))?;
            }
            (b'E', true, Some(rows)) => {
                if told()?["rows"].as_u64() != Some(rows) {
                    return Err(damaged("rows are missing"));
                }
                table = None;
                each(Frame::End)?;
            }
            (b'F', true, None) => {
                let (name, file) = content.split_at_checked(64).ok_or_else(|| damaged("a file without a name"))?;
                let name = std::str::from_utf8(name).map_err(|_| damaged("a file without a name"))?;
                if blake3::hash(file).to_hex().as_str() != name {
                    return Err(damaged("a stored file was changed"));
                }
                tally.files += 1;
                each(Frame::File(name.to_owned(), file))?;
            }
            (b'Z', true, None) => {
                if content != digest.as_bytes() {
                    return Err(damaged("its digest is another one"));
                }
                return match input.read(&mut [0])? {
                    0 => Ok(tally),
                    _ => Err(damaged("something follows its end")),
                };
            }
            _ => return Err(damaged("its parts are in no order")),
        }
    }
}

fn header(told: &J) -> Result<()> {
    if told["celek"] != "backup" || told["form"].as_u64().is_none() {
        return Err(Problem("this is no backup of Celek".to_owned()));
    }
    let newer = told["form"].as_u64() > Some(FORM) || told["schema"].as_i64() > Some(SCHEMA_VERSION);
    if newer { Err(Problem("the backup was made by a newer program: use a newer program".to_owned())) } else { Ok(()) }
}

/// Reads a whole backup and proves that it is as it was written; nothing is stored.
///
/// # Errors
/// What is wrong with it.
pub fn verify(input: &mut dyn Read) -> Result<Tally> {
    let (mut columns, mut cells) = (0, Vec::new());
    read_frames(input, |frame| {
        match frame {
            Frame::Table(_, names) => columns = names.len(),
            Frame::Row(row) => {
                cells.clear();
                read_row(row, columns, &mut cells)?;
            }
            Frame::End | Frame::File(..) => {}
        }
        Ok(())
    })
}

impl Kernel {
    /// Writes the whole as it stands at this moment, while others go on working.
    ///
    /// # Errors
    /// Where the database or a stored file cannot be read, or the stream cannot be written.
    pub fn write_whole(&self, out: &mut dyn Write) -> Result<Tally> {
        let mut frames = Frames { out, hash: blake3::Hasher::new() };
        let made = self.shared.now().to_string();
        let program = env!("CARGO_PKG_VERSION");
        frames.told(
            b'H',
            &json!({"celek": "backup", "form": FORM, "schema": SCHEMA_VERSION, "made": made, "program": program}),
        )?;
        let mut tally = Tally::default();
        // The database first: a file is stored before the record that names it, so none is missing.
        let hashes = self.store.read(|conn| -> Result<Vec<String>> {
            let mut tables = conn.tables()?;
            tables.retain(|table| !OWN.contains(&table.name.as_str()));
            tables.sort_by_key(|table| (!FIRST.contains(&table.name.as_str()), table.name.clone()));
            for table in tables {
                let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
                frames.told(b'T', &json!({"name": table.name, "columns": columns}))?;
                let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
                let text = format!("SELECT {} FROM {} ORDER BY id", names.join(", "), quoted(&table.name));
                let (mut rows, mut content) = (0_u64, Vec::new());
                conn.query(&text, &[], &mut |row| {
                    write_row(row, &mut content);
                    rows += 1;
                    frames.put(b'R', &content).map_err(|e| store::Error::Io(e.to_string()))?;
                    Ok(true)
                })?;
                frames.told(b'E', &json!({"rows": rows}))?;
                tally.tables += 1;
                tally.rows += rows;
            }
            let hashes = conn.rows("SELECT DISTINCT hash FROM sys_file ORDER BY hash", &[])?;
            Ok(hashes.into_iter().flatten().filter_map(Value::into_text).collect())
        })?;
        for hash in hashes {
            let mut content = hash.clone().into_bytes();
            content.extend(self.shared.files.get(&hash)?);
            frames.put(b'F', &content)?;
            tally.files += 1;
        }
        let digest = frames.hash.finalize();
        frames.put(b'Z', digest.as_bytes())?;
        frames.out.flush()?;
        Ok(tally)
    }

    /// Puts a whole into this database, in which there must be nothing yet, in one transaction. The kernel has to be opened
    /// anew afterwards. `open` begins the stream; it may be asked again.
    ///
    /// # Errors
    /// Where there is something already, and what is wrong with the stream: then nothing was stored.
    pub fn read_whole(&self, open: &dyn Fn() -> io::Result<Box<dyn Read>>) -> Result<Tally> {
        self.store.write(|conn| {
            let mut inside = Inside { kernel: self, conn, known: BTreeMap::new(), table: None, defined: false };
            inside.ready()?;
            let tally = read_frames(&mut *open()?, |frame| inside.take(frame))?;
            inside.end()?;
            Ok(tally)
        })
    }
}

/// A table that is being filled.
struct Filling {
    begin: String,
    columns: usize,
    cells: Vec<Value>,
}

/// The transaction into which the whole goes.
struct Inside<'a> {
    kernel: &'a Kernel,
    conn: &'a mut dyn Conn,
    /// The tables that stand, with their columns.
    known: BTreeMap<String, Vec<String>>,
    table: Option<Filling>,
    /// Whether the tables stand that were defined at run time.
    defined: bool,
}

impl Inside<'_> {
    /// Nothing may be there; references are looked at in the end, since tables refer to each other in rings.
    fn ready(&mut self) -> Result<()> {
        self.look()?;
        for table in self.known.keys().filter(|name| !OWN.contains(&name.as_str()) && *name != "sys_ids") {
            if self.conn.int(&format!("SELECT 1 FROM {} LIMIT 1", quoted(table)), &[])?.is_some() {
                return Err(Problem(format!("the database is not empty: there is something in {table}")));
            }
        }
        Ok(())
    }

    fn look(&mut self) -> Result<()> {
        let tables = self.conn.tables()?.into_iter();
        self.known = tables.map(|t| (t.name, t.columns.into_iter().map(|column| column.name).collect())).collect();
        Ok(())
    }

    /// Makes the tables of all that was ever defined at run time, also of what was removed: its values are kept too.
    fn define(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.defined, true) {
            return Ok(());
        }
        self.flush()?;
        let defined = custom::load(self.conn, true)?;
        self.kernel.tables_for(self.conn, &defined)?;
        // Which number is next comes with the rest.
        self.conn.execute("DELETE FROM sys_ids", &[])?;
        self.look()?;
        self.references(false)
    }

    /// Lets references be looked at in the end, or at once again.
    fn references(&mut self, at_once: bool) -> Result<()> {
        if self.conn.dialect() == Dialect::Sqlite {
            // Holds until the commit, which looks.
            return Ok(self.conn.batch("PRAGMA defer_foreign_keys = ON")?);
        }
        if at_once {
            self.conn.batch("SET CONSTRAINTS ALL IMMEDIATE")?;
        }
        let how = if at_once { "NOT DEFERRABLE" } else { "DEFERRABLE INITIALLY DEFERRED" };
        let text = "SELECT c.relname, x.conname FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid
                    WHERE c.relnamespace = current_schema()::regnamespace AND x.contype = 'f'";
        for row in self.conn.rows(text, &[])? {
            if let [Value::Text(table), Value::Text(name)] = row.as_slice() {
                let (table, name) = (quoted(table), quoted(name));
                self.conn.batch(&format!("ALTER TABLE {table} ALTER CONSTRAINT {name} {how}"))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame<'_>) -> Result<()> {
        match frame {
            Frame::Table(name, columns) => {
                if !FIRST.contains(&name.as_str()) {
                    self.define()?;
                }
                let known = self.known.get(&name).filter(|_| !OWN.contains(&name.as_str()));
                let known = known.ok_or_else(|| Problem(format!("this program knows no table {name}")))?;
                if let Some(strange) = columns.iter().find(|column| !known.contains(column)) {
                    return Err(Problem(format!("this program knows no {name}.{strange}")));
                }
                let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
                let begin = format!("INSERT INTO {} ({}) VALUES ", quoted(&name), names.join(", "));
                self.table = Some(Filling { begin, columns: columns.len(), cells: Vec::new() });
            }
            Frame::Row(row) => {
                if let Some(table) = &mut self.table {
                    read_row(row, table.columns, &mut table.cells)?;
                    if table.cells.len() + table.columns > PARAMS {
                        self.flush()?;
                    }
                }
            }
            Frame::End => {
                self.flush()?;
                self.table = None;
            }
            Frame::File(hash, content) => {
                if self.kernel.shared.files.put(content)? != hash {
                    return Err(damaged("a stored file was changed"));
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let Some(table) = self.table.as_mut().filter(|table| !table.cells.is_empty()) else { return Ok(()) };
        let row = format!("({})", vec!["?"; table.columns].join(", "));
        let rows = table.cells.len() / table.columns.max(1);
        self.conn.execute(&format!("{}{}", table.begin, vec![row; rows].join(", ")), &table.cells)?;
        table.cells.clear();
        Ok(())
    }

    /// The tables as they are declared now, the full text indexes, and references that lead somewhere.
    fn end(&mut self) -> Result<()> {
        self.define()?;
        self.references(true)?;
        let defined = custom::load(self.conn, false)?;
        let schema = Arc::new(self.kernel.tables_for(self.conn, &defined)?);
        let nobody = Arc::new(Principal::system(Arc::default()));
        let mut cx = Cx::new(&mut *self.conn, schema.clone(), &self.kernel.shared, nobody, Mode::Write);
        for plan in schema.plans.values().filter(|plan| plan.search) {
            let columns: Vec<String> = plan.columns.iter().map(|column| quoted(column)).collect();
            let (columns, table) = (columns.join(", "), quoted(&plan.table));
            let text = format!("SELECT id, {columns} FROM {table} WHERE id > ? ORDER BY id LIMIT 500");
            let mut after = i64::MIN;
            loop {
                let rows = cx.conn.rows(&text, &[Value::Int(after)])?;
                for row in &rows {
                    after = row[0].as_int().unwrap_or(i64::MAX);
                    cx.index_words(plan, after, &row[1..])?;
                }
                if rows.len() < 500 {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Kernel {
    /// Makes the tables stand for these definitions.
    fn tables_for(&self, conn: &mut dyn Conn, defined: &crate::schema::Custom) -> Result<Schema> {
        let schema = Schema::build(&self.schema().modules, defined, conn.dialect(), next_version())?;
        crate::engine::migrate(conn, &schema)?;
        Ok(schema)
    }
}
