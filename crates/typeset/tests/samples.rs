//! Sample documents of every kind in both languages.

use std::time::{Duration, Instant};

use lang::Language;
use serde_json::{Value, json};
use typeset::{Attachment, Options, Template, TypesetError, render, render_with};

/// A sample with so many lines.
fn sample(language: Language, lines: i64) -> Value {
    let cs = language == Language::Cs;
    let say = |czech: &str, english: &str| (if cs { czech } else { english }).to_owned();
    let amount = |minor: i64| lang::number(language, minor, 2);
    let goods = [
        ("Stůl jídelní dubový, olejovaný 180 × 90 cm", "Oak dining table, oiled, 180 × 90 cm", 1_285_000, "ks", "pcs"),
        ("Židle čalouněná", "Upholstered chair", 249_000, "ks", "pcs"),
        (
            "Doprava a montáž u zákazníka včetně odvozu obalů a úklidu pracoviště po skončení prací",
            "Delivery and assembly at the customer's site including removal of packaging and cleaning afterwards",
            65_000,
            "hod",
            "h",
        ),
        ("Olej na dřevo 1 l", "Wood oil 1 l", 38_950, "l", "l"),
    ];
    let mut net_sum = 0;
    let rows: Vec<Value> = (0..lines)
        .map(|at| {
            let (czech, english, price, unit_cs, unit_en) = goods[usize::try_from(at % 4).unwrap_or(0)];
            let quantity = at % 7 + 1;
            let net = price * quantity;
            net_sum += net;
            json!({
                "description": say(czech, english),
                "code": format!("DUB-{:03}", at + 1),
                "note": if at % 4 == 3 { Some(say("šarže 2026-7", "lot 2026-7")) } else { None },
                "quantity": lang::quantity(language, quantity * 1000, 3),
                "unit": say(unit_cs, unit_en),
                "price": amount(price),
                "discount": if at % 5 == 4 { Some(lang::percent(language, 10, 0)) } else { None },
                "vat": lang::percent(language, 21, 0),
                "net": amount(net),
            })
        })
        .collect();
    let tax = net_sum * 21 / 100;
    let payment = bank::Payment {
        iban: "CZ6508000000192000145399",
        amount: net_sum + tax,
        currency: "CZK",
        variable_symbol: "2026000012",
        message: "Faktura FV-2026-0012",
        ..bank::Payment::default()
    };
    let code = bank::spayd(&payment).ok().and_then(|text| bank::qr_matrix(&text).ok());
    let day = |day| lang::date(language, jiff_date(day));
    json!({
        "number": "FV-2026-0012",
        "date": "2026-11-24",
        "supplier": {
            "name": "Truhlářství Dub, s.r.o.", "address": ["Lipová 12", "602 00 Brno", say("Česká republika", "Czech Republic")],
            "registration": "12345679", "vat_number": "CZ12345679",
            "contact": ["+420 541 000 000 · www.dub.example.com", "info@dub.example.com"],
            "register": say("Zapsáno v obchodním rejstříku u Krajského soudu v Brně, oddíl C, vložka 1",
                            "Registered at the Regional Court in Brno, section C, entry 1"),
            "bank": {"account": "19-2000145399/0800", "iban": "CZ65 0800 0000 1920 0014 5399", "bic": "GIBACZPX", "name": null}
        },
        "customer": {
            "name": "Žižkov & synové, a.s.", "address": ["Příčná 7/12", "130 00 Praha 3"],
            "registration": "87654325", "vat_number": "CZ87654325", "contact": []
        },
        "delivery": {"name": say("Sklad Říčany", "Říčany warehouse"), "address": ["Průmyslová 1", "251 01 Říčany"]},
        "dates": {"issued": day(24), "tax": day(24), "due": day(30)},
        "references": [{"label": say("Objednávka", "Order"), "value": "SO-2026-0017"}],
        "intro": [say("Děkujeme za Vaši objednávku a fakturujeme Vám:", "Thank you for your order. We invoice:")],
        "lines": rows,
        "vat": [
            {"rate": lang::percent(language, 21, 0), "base": amount(net_sum), "tax": amount(tax), "total": amount(net_sum + tax)},
            {"rate": lang::percent(language, 0, 0), "base": amount(0), "tax": amount(0), "total": amount(0),
             "note": say("Daň odvede zákazník", "Reverse charge")},
        ],
        "sums": {"net": amount(net_sum), "vat": amount(tax), "rounding": amount(0)},
        "total": {"value": lang::money(language, net_sum + tax, 2, "CZK")},
        "payment": {"method": say("Převodem", "Bank transfer"), "variable_symbol": "2026000012", "qr": code},
        "notes": [say("Zboží zůstává do úplného zaplacení majetkem dodavatele.", "The goods remain the supplier's until paid in full.")],
        "issued_by": say("Fakturační oddělení", "Accounts department"),
    })
}

fn jiff_date(day: i8) -> jiff::civil::Date {
    jiff::civil::date(2026, 11, day)
}

fn with(mut data: Value, change: Value) -> Value {
    if let (Value::Object(data), Value::Object(change)) = (&mut data, change) {
        data.extend(change);
    }
    data
}

fn letter(language: Language) -> Value {
    let body = "Dovolujeme si Vás upozornit, že v naší evidenci jsou k dnešnímu dni neuhrazené faktury uvedené níže. Prosíme o jejich \
                úhradu do sedmi dnů. Pokud jste mezitím platbu odeslali, považujte tento dopis za bezpředmětný.";
    with(
        sample(language, 0),
        json!({
            "subject": "Upomínka neuhrazených faktur", "place": "V Brně", "intro": [], "vat": [], "sums": {}, "notes": [],
            "body": ["Vážení obchodní přátelé,", body],
            "table": {
                "columns": [{"label": "Faktura"}, {"label": "Splatnost"}, {"label": "Dnů po splatnosti", "number": true}, {"label": "Dluží", "number": true}],
                "rows": [["FV-2026-0003", "1. 10. 2026", "54", "12 100,00"], ["FV-2026-0007", "24. 10. 2026", "31", "1 815,00"]],
                "total": ["Celkem", "", "", "13 915,00"]
            },
            "total": {"value": "13 915,00 Kč", "label": "Dlužná částka"},
            "closing": "S pozdravem", "signature": ["Fakturační oddělení", "Truhlářství Dub, s.r.o."]
        }),
    )
}

/// The number of pages, from the page tree.
fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.matches("/Type/Page/").count() + text.matches("/Type /Page\n").count() + text.matches("/Type/Page\n").count()
}

fn save(name: &str, pdf: &[u8]) {
    if let Some(folder) = std::env::var_os("TYPESET_SAMPLES") {
        drop(std::fs::write(std::path::Path::new(&folder).join(name), pdf));
    }
}

fn made(template: Template, data: &Value, language: Language) -> Vec<u8> {
    match render(template, data, language) {
        Ok(pdf) => pdf,
        Err(error) => panic!("{template:?}: {error}"),
    }
}

#[test]
fn every_kind_in_every_language() {
    for language in Language::ALL {
        for template in Template::ALL {
            let data = match template {
                Template::Letter => letter(language),
                Template::CreditNote => with(
                    sample(language, 2),
                    json!({"corrects": {"number": "FV-2026-0009", "date": "1. 11. 2026", "reason": "Vrácené zboží"}}),
                ),
                Template::DeliveryNote => with(sample(language, 5), json!({"vat": [], "sums": {}, "total": null})),
                _ => sample(language, 4),
            };
            let pdf = made(template, &data, language);
            assert!(pdf.starts_with(b"%PDF-1."), "{template:?}");
            assert!(pdf.ends_with(b"%%EOF"), "{template:?}");
            save(&format!("{template:?}-{language}.pdf"), &pdf);
        }
    }
}

/// A text that would do much as markup, and is to be printed as it is.
const HOSTILE: &str = "#panic(1) $x^2$ *b* _i_ `r` = H // c /* d */ @ref <lab> \\u{41} #import \"a.typ\" \\ ~ -- --- ... 'q' \"q\" [x] {y} %";

/// Every text of the data replaced, keeping what has a form of its own.
fn replaced(value: &mut Value, text: &str) {
    match value {
        Value::String(old) => *old = text.to_owned(),
        Value::Array(values) => values.iter_mut().for_each(|value| replaced(value, text)),
        Value::Object(fields) => {
            fields.iter_mut().filter(|(name, _)| *name != "date").for_each(|(_, value)| replaced(value, text));
        }
        _ => {}
    }
}

/// The text of a PDF by pdftotext, where that program is installed.
fn text_of(pdf: &[u8]) -> Option<String> {
    let path =
        std::env::temp_dir().join(format!("typeset-{}-{:?}.pdf", std::process::id(), std::thread::current().id()));
    std::fs::write(&path, pdf).ok()?;
    let output = std::process::Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output();
    std::fs::remove_file(&path).ok()?;
    output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn texts_are_printed_and_never_run() {
    for template in Template::ALL {
        for text in [HOSTILE, "שלום 你好 🎉 Здравствуйте γειά", &"W".repeat(400), "a\u{301}\u{0}\u{7}\r\n\tb"]
        {
            let mut data = if template == Template::Letter { letter(Language::Cs) } else { sample(Language::Cs, 3) };
            replaced(&mut data, text);
            let pdf = made(template, &data, Language::Cs);
            save(&format!("hostile-{template:?}-{}.pdf", text.len()), &pdf);
            if text == HOSTILE
                && let Some(printed) = text_of(&pdf)
            {
                let squeezed: String = printed.split_whitespace().collect();
                let wanted: String = HOSTILE.split_whitespace().collect();
                assert!(squeezed.contains(wanted.get(..18).unwrap_or_default()), "{template:?}: {printed}");
            }
        }
    }
}

#[test]
fn what_is_printed() {
    let pdf = made(Template::Invoice, &sample(Language::Cs, 4), Language::Cs);
    let Some(text) = text_of(&pdf) else { return };
    let text = text.replace('\u{a0}', " ");
    for part in [
        "Faktura – daňový doklad",
        "FV-2026-0012",
        "Truhlářství Dub, s.r.o.",
        "Žižkov & synové, a.s.",
        "CZ12345679",
        "Datum splatnosti",
        "30. 11. 2026",
        "25 818,98 Kč",
        "CZ65 0800 0000 1920 0014 5399",
        "Strana 1 z 1",
        "12 850,00",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let pdf = made(Template::Invoice, &sample(Language::En, 40), Language::En);
    let text = text_of(&pdf).unwrap_or_default();
    assert!(text.contains("Page 3 of 3"));
    assert_eq!(text.matches("Unit price").count(), 2, "the head of the table stands on each page of the table");
}

#[test]
fn the_same_data_give_the_same_bytes() {
    for template in Template::ALL {
        let data = if template == Template::Letter { letter(Language::Cs) } else { sample(Language::Cs, 40) };
        let first = made(template, &data, Language::Cs);
        let others: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| made(template, &data, Language::Cs))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
        });
        assert!(others.iter().all(|other| *other == first), "{template:?}");
    }
}

#[test]
fn structure() {
    let short = made(Template::Invoice, &sample(Language::Cs, 4), Language::Cs);
    let long = made(Template::Invoice, &sample(Language::Cs, 40), Language::Cs);
    assert_eq!((pages(&short), pages(&long)), (1, 3));
    assert!(short.len() < 60_000, "only the characters in use are embedded: {} bytes", short.len());
    let text = String::from_utf8_lossy(&short).into_owned();
    assert!(text.contains("pdfaid:part") && text.contains("StructTreeRoot"), "PDF/A and tagged");
    let bare = made(Template::Invoice, &with(sample(Language::Cs, 4), json!({"date": null})), Language::Cs);
    assert!(!String::from_utf8_lossy(&bare).contains("pdfaid:part"));
    let least = json!({"number": "1", "supplier": {"name": "A"}, "customer": {"name": "B"}});
    for template in [Template::Quote, Template::DeliveryNote, Template::Invoice, Template::CreditNote] {
        assert_eq!(pages(&made(template, &least, Language::En)), 1);
    }
}

#[test]
fn logos_and_attachments() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='240' height='60'><rect width='240' height='60' rx='8' fill='#2b6b4f'/>\
               <circle cx='30' cy='30' r='18' fill='#fff'/></svg>";
    let file = Attachment {
        name: "faktura.isdoc",
        media_type: "text/xml",
        description: "ISDOC",
        alternative: true,
        bytes: b"<Invoice/>",
    };
    let options = Options { logo: Some(svg.as_bytes()), attachments: &[file] };
    let data = with(sample(Language::Cs, 3), json!({"draft": true, "accent": "#2b6b4f"}));
    let pdf = render_with(Template::Invoice, &data, Language::Cs, &options).unwrap_or_default();
    save("logo.pdf", &pdf);
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.contains("faktura.isdoc") && text.contains("/Alternative") && text.contains("pdfaid:part"));
    for broken in ["<svg", "<svg xmlns='http://www.w3.org/2000/svg'><path d='M0", "<svg></p>"] {
        let options = Options { logo: Some(broken.as_bytes()), attachments: &[] };
        let refused = render_with(Template::Invoice, &data, Language::Cs, &options);
        assert!(matches!(refused, Err(TypesetError::Logo(_))), "{broken}: {:?}", refused.map(|pdf| pdf.len()));
    }
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0broken";
    let options = Options { logo: Some(png), attachments: &[] };
    assert!(matches!(render_with(Template::Invoice, &data, Language::Cs, &options), Err(TypesetError::Logo(_))));
}

#[test]
fn long_documents_in_time() {
    for lines in [1, 40, 400, 5_000] {
        let data = sample(Language::Cs, lines);
        let start = Instant::now();
        let pdf = made(Template::Invoice, &data, Language::Cs);
        let took = start.elapsed();
        println!("{lines} lines: {took:?}, {} kB, {} pages", pdf.len() / 1000, pages(&pdf));
        save(&format!("long-{lines}.pdf"), &pdf);
        assert!(took < Duration::from_secs(60), "{lines} lines took {took:?}");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("afterwards {}", status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default());
}
