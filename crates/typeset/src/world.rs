//! The typesetter and the small world that it sees.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use lang::Language;
use serde_json::json;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::shape::Document;
use crate::{Options, Template, TypesetError, assets};

const FONTS: [&[u8]; 2] = [include_bytes!("../fonts/Inter-Regular.otf"), include_bytes!("../fonts/Inter-SemiBold.otf")];

const SOURCES: [(&str, &str); 4] = [
    ("main.typ", include_str!("../templates/main.typ")),
    ("labels.typ", include_str!("../templates/labels.typ")),
    ("parts.typ", include_str!("../templates/parts.typ")),
    ("letter.typ", include_str!("../templates/letter.typ")),
];

/// Documents with more lines are made one at a time, and without the tags for screen readers, which would make
/// the file ten times as large.
const LARGE: usize = 500;

/// What all documents share; made at the first one.
struct Shared {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: FileId,
    sources: Vec<Source>,
}

fn id(path: &str) -> Result<FileId, TypesetError> {
    let path = VirtualPath::new(path).map_err(|_| TypesetError::Template(format!("the path {path}")))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl Shared {
    fn get() -> Result<&'static Self, TypesetError> {
        static SHARED: OnceLock<Result<Shared, TypesetError>> = OnceLock::new();
        SHARED.get_or_init(Self::new).as_ref().map_err(Clone::clone)
    }

    fn new() -> Result<Self, TypesetError> {
        let fonts: Vec<Font> = FONTS.into_iter().flat_map(|font| Font::iter(Bytes::new(font))).collect();
        let source = |(path, text): (&str, &str)| id(path).map(|id| Source::new(id, text.to_owned()));
        Ok(Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            main: id("main.typ")?,
            sources: SOURCES.into_iter().map(source).collect::<Result<_, _>>()?,
        })
    }
}

/// The world of one document: the templates, the fonts, the data. No other file exists, there is no clock.
struct DocumentWorld {
    shared: &'static Shared,
    files: BTreeMap<&'static str, Bytes>,
}

/// The paths of attachments; their real names are in the data. (Paths are kept for ever by the typesetter, so there is a fixed
/// set of them.)
const ATTACHED: [&str; 8] = ["file0", "file1", "file2", "file3", "file4", "file5", "file6", "file7"];

impl World for DocumentWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.shared.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.shared.book
    }

    fn main(&self) -> FileId {
        self.shared.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let source = self.shared.sources.iter().find(|source| source.id() == id);
        source.cloned().ok_or_else(|| FileError::NotFound(id.get().vpath().get_without_slash().into()))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let rooted = id.get();
        let path = rooted.vpath().get_without_slash();
        let found = self.files.get(path).filter(|_| rooted.root() == &VirtualRoot::Project);
        found.cloned().ok_or_else(|| FileError::NotFound(path.into()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.shared.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Typesets a checked document.
pub(crate) fn typeset(
    template: Template,
    document: Document,
    language: Language,
    options: &Options<'_>,
) -> Result<Vec<u8>, TypesetError> {
    assets::check_attachments(options.attachments)?;
    let date = document.date.as_deref().map(day).transpose()?;
    let rows = document.lines.len() + document.table.as_ref().map_or(0, |table| table.rows.len());
    let large = rows > LARGE;
    // A document of 5,000 lines needs some hundreds of megabytes for a few seconds: one of that kind at a time.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = large.then(|| ONE.lock().unwrap_or_else(PoisonError::into_inner));
    let world = world(template, document, language, options)?;
    let pdf = compile(&world).and_then(|document| export(&document, date, !large));
    // The typesetter keeps what it made for the next, similar document; ours differ, and memory is dear.
    typst::comemo::evict(0);
    pdf
}

fn world(
    template: Template,
    mut document: Document,
    language: Language,
    options: &Options<'_>,
) -> Result<DocumentWorld, TypesetError> {
    let mut files = BTreeMap::new();
    let logo = options.logo.map(|bytes| assets::logo_name(bytes).map(|name| (name, bytes))).transpose()?;
    if let Some((name, bytes)) = logo {
        files.insert(name, Bytes::new(bytes.to_vec()));
    }
    let qr = std::mem::take(&mut document.payment.qr);
    if !qr.is_empty() {
        files.insert("qr.svg", Bytes::from_string(assets::qr_svg(&qr)));
    }
    let attached: Vec<_> = options
        .attachments
        .iter()
        .zip(ATTACHED)
        .map(|(file, path)| {
            files.insert(path, Bytes::new(file.bytes.to_vec()));
            json!({
                "path": path,
                "name": file.name,
                "media_type": file.media_type,
                "description": file.description,
                "relationship": if file.alternative { "alternative" } else { "supplement" },
            })
        })
        .collect();
    let data = json!({
        "kind": template.name(),
        "lang": language.code(),
        "logo": logo.map(|(name, _)| name),
        "qr": !qr.is_empty(),
        "attachments": attached,
        "document": document,
    });
    files.insert("data.json", Bytes::from_string(data.to_string()));
    Ok(DocumentWorld { shared: Shared::get()?, files })
}

fn compile(world: &DocumentWorld) -> Result<PagedDocument, TypesetError> {
    typst::compile::<PagedDocument>(world).output.map_err(|errors| {
        // The template has no other input than an image of the caller's that can fail.
        let broken = errors
            .iter()
            .any(|error| error.message.contains("failed to decode") || error.message.contains("failed to parse SVG"));
        if broken { TypesetError::Logo("damaged".to_owned()) } else { failed(&errors) }
    })
}

fn failed(errors: &[SourceDiagnostic]) -> TypesetError {
    TypesetError::Template(errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "))
}

/// As PDF/A-3b (ISO 19005-3) where there is a date, which that standard needs; as plain PDF 1.7 otherwise, and where PDF/A
/// cannot be had: it has no place for characters that the font lacks.
fn export(document: &PagedDocument, date: Option<Datetime>, tagged: bool) -> Result<Vec<u8>, TypesetError> {
    let options = |standards| PdfOptions {
        ident: Smart::Auto,
        creator: Smart::Custom(Some("Celek".to_owned())),
        timestamp: date.map(Timestamp::new_utc),
        page_ranges: None,
        standards,
        tagged,
        pretty: false,
    };
    if date.is_some()
        && let Ok(standards) = PdfStandards::new(&[PdfStandard::A_3b])
        && let Ok(pdf) = typst_pdf::pdf(document, &options(standards))
    {
        return Ok(pdf);
    }
    typst_pdf::pdf(document, &options(PdfStandards::default())).map_err(|errors| failed(&errors))
}

fn day(text: &str) -> Result<Datetime, TypesetError> {
    let wrong = || TypesetError::Shape("date is not a date such as 2026-11-24".to_owned());
    let mut parts = text.splitn(3, '-').map(str::parse::<u16>);
    let mut next = || parts.next().and_then(Result::ok).ok_or_else(wrong);
    let (year, month, day) = (next()?, next()?, next()?);
    let small = |part: u16| u8::try_from(part).map_err(|_| wrong());
    Datetime::from_ymd_hms(i32::from(year), small(month)?, small(day)?, 0, 0, 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_small() {
        let document = Document::default();
        let world = world(Template::Letter, document, Language::En, &Options::default()).ok();
        let read = |path: &str| world.as_ref().zip(id(path).ok()).is_some_and(|(world, id)| world.file(id).is_ok());
        assert!(read("data.json"));
        assert!(!read("Cargo.toml") && !read("etc/passwd") && !read("main.typ"));
        assert!(world.as_ref().is_some_and(|world| world.today(None).is_none()));
    }

    #[test]
    fn fonts_are_there() {
        let shared = Shared::get().ok();
        let weights = shared
            .map(|shared| shared.fonts.iter().map(|font| font.info().variant.weight.to_number()).collect::<Vec<_>>());
        assert_eq!(weights, Some(vec![400, 600]));
        assert!(shared.is_some_and(|shared| shared.book.contains_family("inter")));
    }

    #[test]
    fn days() {
        assert!(day("2026-11-24").is_ok());
        for wrong in ["", "2026", "2026-13-01", "2026-02-30", "24. 11. 2026", "-1-1-1", "99999-1-1"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
