//! The delivery note.

use kernel::{Cx, Id, Operation, Result, Run};
use serde_json::json;

use crate::delivery::{Delivery, DeliveryLine};

/// Makes the PDF of a delivery note.
#[derive(Operation)]
#[operation(name = "inventory.delivery.pdf", on = Delivery, allow = "stock sales accounts manager", read, file, button = 2)]
pub struct DeliveryPdf {
    /// The delivery.
    pub delivery: Id<Delivery>,
    /// Language; the customer's where empty.
    pub language: Option<kernel::LanguageCode>,
}

impl Run for DeliveryPdf {
    type Output = documents::FileOut;
    fn run(self, cx: &mut Cx<'_>) -> Result<documents::FileOut> {
        let delivery = cx.target(self.delivery)?;
        let language = match self.language.as_ref().and_then(|l| kernel::Language::parse(&l.0)) {
            Some(language) => language,
            None => documents::language(cx, delivery.party)?,
        };
        let mut rows = Vec::new();
        for line in cx.lines::<DeliveryLine>(self.delivery)? {
            let product = cx.get(line.product)?;
            let unit = match product.unit {
                Some(unit) => Some(cx.get(unit)?.code.clone()),
                None => None,
            };
            rows.push(json!({"description": product.name, "code": product.code, "quantity": documents::quantity(language, line.quantity), "unit": unit}));
        }
        let number = delivery.number.clone().unwrap_or_else(|| "-".to_owned());
        let data = json!({
            "number": number,
            "date": delivery.date.to_string(),
            "supplier": documents::supplier(cx)?,
            "customer": documents::customer(cx, delivery.party, party::AddressKind::Delivery)?,
            "dates": {"delivered": documents::day(language, delivery.date)},
            "lines": rows,
        });
        documents::pdf(&number, documents::Template::DeliveryNote, &data, language)
    }
}
