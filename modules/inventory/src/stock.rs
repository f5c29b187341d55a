//! Where goods lie and what they are worth: warehouses, locations, quants, moves, valuation.

use jiff::civil::Date;
use kernel::{AnyRef, Cx, Dec, Entity, Error, Id, Money, Result, Value, choice, sys::Series};
use product::Product;

/// A warehouse.
#[derive(Entity)]
#[entity(name = "inventory.warehouse", steady, plain, title = name, read = "*", write = "stock", area = "goods")]
pub struct Warehouse {
    /// Code.
    #[field(unique, max = 20)]
    pub code: String,
    /// Name.
    #[field(searchable)]
    pub name: String,
}

choice!(
    /// What lies there: our own goods, or the other side of a movement.
    LocationKind {
        Internal = "internal" => "blue",
        Supplier = "supplier",
        Customer = "customer",
        Production = "production",
        Loss = "loss",
        Opening = "opening",
    }
);

/// A place. Only internal places hold stock; the others are the other side of a movement.
#[derive(Entity)]
#[entity(name = "inventory.location", steady, plain, title = name, read = "*", write = "stock", area = "goods")]
pub struct Location {
    /// Code.
    #[field(unique, max = 40)]
    pub code: String,
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// Warehouse.
    pub warehouse: Option<Id<Warehouse>>,
    /// Kind.
    #[field(default = "internal")]
    pub kind: LocationKind,
}

/// How much of a product lies in an internal place.
#[derive(Entity)]
#[entity(name = "inventory.quant", label = "Stock", plural = "Stock", plain, by_operation, kept, title = product, read = "*",
    area = "goods", unique(product, location), check = "on_hand >= 0", check = "reserved >= 0 and reserved <= on_hand")]
pub struct Quant {
    /// Product.
    #[field(indexed)]
    pub product: Id<Product>,
    /// Place.
    pub location: Id<Location>,
    /// There.
    pub on_hand: Dec<6>,
    /// Promised to orders.
    pub reserved: Dec<6>,
}

/// What the stock of a product is worth: quantity and value are kept, the unit cost follows (moving average).
#[derive(Entity)]
#[entity(name = "inventory.valuation", plain, by_operation, kept, title = product, read = "stock accounts manager", area = "goods",
    check = "quantity >= 0")]
pub struct Valuation {
    /// Product.
    #[field(unique)]
    pub product: Id<Product>,
    /// Quantity in all internal places.
    pub quantity: Dec<6>,
    /// Value.
    pub value: Money,
}

/// A movement of goods: the stock ledger.
#[derive(Entity)]
#[entity(name = "inventory.move", plain, append_only, title = product, read = "stock accounts manager", area = "goods",
    indexed(source, source_entity))]
pub struct Move {
    /// Product.
    #[field(indexed)]
    pub product: Id<Product>,
    /// From where.
    pub from: Id<Location>,
    /// To where.
    pub to: Id<Location>,
    /// How much; positive.
    pub quantity: Dec<6>,
    /// What it was worth.
    pub value: Money,
    /// When it takes effect.
    #[field(indexed)]
    pub date: Date,
    /// The document.
    pub source: Option<AnyRef>,
    /// When it was posted.
    pub posted_at: jiff::Timestamp,
}

/// A promise of goods to a document.
#[derive(Entity)]
#[entity(name = "inventory.reservation", plain, by_operation, kept, title = product, read = "stock sales manager", area = "goods",
    indexed(source, source_entity))]
pub struct Reservation {
    /// Product.
    pub product: Id<Product>,
    /// Place.
    pub location: Id<Location>,
    /// How much.
    pub quantity: Dec<6>,
    /// The document.
    pub source: AnyRef,
}

/// Where goods of the company lie and where they come from and go to.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// The stock.
    pub stock: Id<Location>,
    /// Customers.
    pub customer: Id<Location>,
    /// Suppliers.
    pub supplier: Id<Location>,
    /// Losses and finds.
    pub loss: Id<Location>,
    /// Opening stock.
    pub opening: Id<Location>,
}

/// The places of the company.
///
/// # Errors
/// `inventory.no_place`.
pub fn places(cx: &mut Cx<'_>) -> Result<Places> {
    Ok(Places {
        stock: stock_place(cx)?,
        customer: place(cx, "CUSTOMER")?,
        supplier: place(cx, "SUPPLIER")?,
        loss: place(cx, "LOSS")?,
        opening: place(cx, "OPENING")?,
    })
}

fn place(cx: &mut Cx<'_>, code: &str) -> Result<Id<Location>> {
    let found = cx.first::<Location>(&[("code", Value::from(code))])?;
    found.map(|l| l.id).ok_or_else(|| Error::refused("inventory.no_place").with("code", code.to_owned()))
}

/// Where the goods of the company lie.
///
/// # Errors
/// `inventory.no_place`.
pub(crate) fn stock_place(cx: &mut Cx<'_>) -> Result<Id<Location>> {
    place(cx, "STOCK")
}

/// The quant of a product in the stock, if there is one.
///
/// # Errors
/// As reading does.
pub fn quant(cx: &mut Cx<'_>, product: Id<Product>, location: Id<Location>) -> Result<Option<kernel::Rec<Quant>>> {
    cx.first::<Quant>(&[("product", product.into()), ("location", location.into())])
}

/// Reads what is there of several products, in one question and one order: afterwards [`quant`] knows it.
///
/// # Errors
/// As reading does.
pub(crate) fn look(cx: &mut Cx<'_>, products: &[Value], stock: Id<Location>) -> Result<()> {
    cx.by_any::<Quant>("product", products, &[("location", stock.into())])?;
    Ok(())
}

/// As [`look`], of products that are about to be moved: what they are worth too.
///
/// # Errors
/// As reading does.
pub(crate) fn take(cx: &mut Cx<'_>, products: &[Value], stock: Id<Location>) -> Result<()> {
    look(cx, products, stock)?;
    cx.by_any::<Valuation>("product", products, &[])?;
    Ok(())
}

/// What is there and what of it is free.
///
/// # Errors
/// As reading does.
pub fn available(cx: &mut Cx<'_>, product: Id<Product>) -> Result<(Dec<6>, Dec<6>)> {
    let stock = stock_place(cx)?;
    match quant(cx, product, stock)? {
        Some(quant) => Ok((quant.on_hand, quant.on_hand.minus(quant.reserved)?)),
        None => Ok((Dec::ZERO, Dec::ZERO)),
    }
}

/// A movement to be made.
pub(crate) struct NewMove {
    pub product: Id<Product>,
    pub quantity: Dec<6>,
    pub date: Date,
    pub source: Option<AnyRef>,
}

/// Takes goods out of the stock to another place; they are worth everything left when the quantity becomes zero, else
/// round(value × q / Q). `promised` of it was promised to the document and no longer is. The caller has seen that there is enough and that reservations allow it. Answers the value.
///
/// # Errors
/// `check_failed` where there is not enough after all.
pub(crate) fn issue(
    cx: &mut Cx<'_>,
    new: &NewMove,
    stock: Id<Location>,
    to: Id<Location>,
    promised: Dec<6>,
) -> Result<Money> {
    let mut quant = quant(cx, new.product, stock)?.ok_or_else(|| Error::internal("an issue without stock"))?;
    quant.on_hand = quant.on_hand.minus(new.quantity)?;
    quant.reserved = quant.reserved.minus(promised)?;
    cx.save(&mut quant)?;
    let mut valuation = cx
        .first::<Valuation>(&[("product", new.product.into())])?
        .ok_or_else(|| Error::internal("stock without a valuation"))?;
    let left = valuation.quantity.minus(new.quantity)?;
    let value = if left.is_zero() {
        valuation.value
    } else {
        valuation.value.share(new.quantity.raw(), valuation.quantity.raw())?
    };
    valuation.quantity = left;
    valuation.value = valuation.value.minus(value)?;
    cx.save(&mut valuation)?;
    record(cx, new, stock, to, value)?;
    Ok(value)
}

/// Puts goods of a value into the stock from another place.
///
/// # Errors
/// As writing does.
pub(crate) fn receive(
    cx: &mut Cx<'_>,
    new: &NewMove,
    from: Id<Location>,
    stock: Id<Location>,
    value: Money,
) -> Result<()> {
    match quant(cx, new.product, stock)? {
        Some(mut quant) => {
            quant.on_hand = quant.on_hand.plus(new.quantity)?;
            cx.save(&mut quant)?;
        }
        None => {
            cx.insert(Quant { product: new.product, location: stock, on_hand: new.quantity, reserved: Dec::ZERO })?;
        }
    }
    match cx.first::<Valuation>(&[("product", new.product.into())])? {
        Some(mut valuation) => {
            valuation.quantity = valuation.quantity.plus(new.quantity)?;
            valuation.value = valuation.value.plus(value)?;
            cx.save(&mut valuation)?;
        }
        None => {
            cx.insert(Valuation { product: new.product, quantity: new.quantity, value })?;
        }
    }
    record(cx, new, from, stock, value)
}

fn record(cx: &mut Cx<'_>, new: &NewMove, from: Id<Location>, to: Id<Location>, value: Money) -> Result<()> {
    let posted_at = cx.now();
    cx.insert(Move {
        product: new.product,
        from,
        to,
        quantity: new.quantity,
        value,
        date: new.date,
        source: new.source,
        posted_at,
    })?;
    Ok(())
}

/// The cost of one now; zero where nothing is there.
///
/// # Errors
/// As reading does.
pub(crate) fn value_of(cx: &mut Cx<'_>, product: Id<Product>, quantity: Dec<6>) -> Result<Money> {
    let currency = cx.company().currency;
    match cx.first::<Valuation>(&[("product", product.into())])? {
        Some(v) if !v.quantity.is_zero() => v.value.share(quantity.raw(), v.quantity.raw()),
        _ => Ok(Money::zero(currency)),
    }
}

/// A quantity × unit cost, rounded once.
///
/// # Errors
/// `overflow`.
pub(crate) fn cost(quantity: Dec<6>, unit: Money) -> Result<Money> {
    let wide = i128::from(quantity.raw()) * i128::from(unit.minor);
    Money::round_wide(wide, 6 + unit.currency.exponent(), unit.currency)
}

/// Posts the value of movements to the general ledger: from one purpose to another.
///
/// # Errors
/// What posting refuses.
pub(crate) fn post_value(
    cx: &mut Cx<'_>,
    (debit, credit): (&str, &str),
    value: Money,
    date: Date,
    source: Option<AnyRef>,
    description: &str,
) -> Result<()> {
    // Journal entries are dated when they take effect, also where their value is nothing: those have nothing to post.
    if value.is_zero() {
        return Ok(());
    }
    let (debit, credit) = (finance::account(cx, debit)?, finance::account(cx, credit)?);
    finance::post(
        cx,
        finance::NewEntry {
            journal: "stock",
            date,
            description: description.to_owned(),
            source,
            reverses: None,
            lines: vec![finance::PostLine::new(debit, value), finance::PostLine::new(credit, value.negated())],
        },
    )?;
    Ok(())
}

/// Sets a new company's warehouse up.
pub(crate) fn found(cx: &mut Cx<'_>) -> Result<()> {
    let czech = cx.company().language == kernel::Language::Cs;
    let name = |en: &str, cs: &str| if czech { cs } else { en }.to_owned();
    let warehouse = cx.insert(Warehouse { code: "MAIN".to_owned(), name: name("Main warehouse", "Hlavní sklad") })?;
    for (code, en, cs, kind) in [
        ("STOCK", "Stock", "Sklad", LocationKind::Internal),
        ("CUSTOMER", "Customers", "Zákazníci", LocationKind::Customer),
        ("SUPPLIER", "Suppliers", "Dodavatelé", LocationKind::Supplier),
        ("LOSS", "Losses and finds", "Manka a přebytky", LocationKind::Loss),
        ("OPENING", "Opening stock", "Počáteční stav", LocationKind::Opening),
    ] {
        let warehouse = (kind == LocationKind::Internal).then_some(warehouse);
        cx.insert(Location { code: code.to_owned(), name: name(en, cs), warehouse, kind })?;
    }
    for (code, pattern) in [
        ("delivery", "DL{year}{n:5}"),
        ("return", "VR{year}{n:5}"),
        ("receipt", "PR{year}{n:5}"),
        ("write_off", "OD-S{year}{n:4}"),
    ] {
        cx.insert(Series { code: code.to_owned(), pattern: pattern.to_owned(), per_year: true })?;
    }
    Ok(())
}
