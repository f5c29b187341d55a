//! The load: callers who take orders from the first click to the money, each with its own connections.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU8, Ordering},
    time::Instant,
};

use kernel::{Ask, Error, Kernel, Result};
use serde_json::{Value as J, json};

use super::{MEASURED, OVER, round};
use crate::{client::Client, demo, demo::Dice};

/// What a caller does with each order.
pub const STEPS: [&str; 5] = ["create", "confirm", "ship", "invoice", "pay"];
/// Lines of an order.
const LINES: usize = 5;

/// What there is to sell, to whom, and who works here.
pub struct Shop {
    customers: Vec<i64>,
    products: Vec<i64>,
    /// Weights of the products added up: the n-th sells 1/n as often as the first (Zipf).
    weights: Vec<u64>,
    tokens: [String; 3],
}

impl Shop {
    /// Founds the company with its customers, and products of which there is always enough.
    pub fn open(kernel: &Kernel, customers: u32, products: u32) -> Result<Self> {
        demo::found(kernel, "Bench s.r.o.", false)?;
        let (sales, stock) = (kernel.login("sales")?, kernel.login("stock")?);
        let id = |answer: kernel::Answer| answer.output["id"].as_i64().ok_or_else(|| Error::internal("no id"));
        let mut shop =
            Self { customers: Vec::new(), products: Vec::new(), weights: Vec::new(), tokens: Default::default() };
        for i in 0..customers {
            let body = json!({"name": format!("Zákazník {i}"), "email": format!("zakaznik{i}@zakaznici.example")});
            shop.customers.push(id(kernel.create("party.party", &body, &Ask::by(sales.clone()))?)?);
        }
        let mut sum = 0;
        for i in 0..products {
            let price = json!({"amount": format!("{}.{:02}", 10 + i % 90, i % 100), "currency": "CZK"});
            let body = json!({"code": format!("Z-{i:04}"), "name": format!("Zboží {i}"), "price": price});
            let product = id(kernel.create("product.product", &body, &Ask::by(stock.clone()))?)?;
            let receipt =
                json!({"product": product, "quantity": "1000000", "unit_cost": {"amount": "7.31", "currency": "CZK"}});
            kernel.run("inventory.receipt.quick", &receipt, &Ask::by(stock.clone()))?;
            shop.products.push(product);
            sum += 1_000_000 / u64::from(i + 1);
            shop.weights.push(sum);
        }
        for (token, login) in shop.tokens.iter_mut().zip(["sales", "stock", "accounts"]) {
            *token = platform::create_token(kernel, login, "bench", "", Some(1))?;
        }
        Ok(shop)
    }

    /// One caller, who has dice of its own.
    pub fn caller(&self, addr: SocketAddr, number: u64) -> Caller<'_> {
        let client = |i: usize| Client::new(addr, Some(self.tokens[i].clone()));
        Caller { shop: self, dice: Dice::new(number + 1), sales: client(0), stock: client(1), accounts: client(2) }
    }
}

/// Someone who takes one order after the other.
pub struct Caller<'s> {
    shop: &'s Shop,
    dice: Dice,
    sales: Client,
    stock: Client,
    accounts: Client,
}

/// What was done in the measured time.
#[derive(Default)]
pub struct Tally {
    /// Complete orders.
    pub orders: u64,
    /// Microseconds of each step.
    times: [Vec<u32>; STEPS.len()],
}

impl Tally {
    /// Adds another caller's.
    pub fn add(&mut self, other: Self) {
        self.orders += other.orders;
        for (mine, theirs) in self.times.iter_mut().zip(other.times) {
            mine.extend(theirs);
        }
    }

    /// The step's times at the 50th, 95th and 99th hundredth.
    pub fn percentiles(&self, step: usize) -> J {
        let mut times = self.times[step].clone();
        times.sort_unstable();
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1) - 1;
            times.get(rank).map_or(J::Null, |micros| round(f64::from(*micros) / 1_000.0).into())
        };
        json!({"p50_ms": at(50), "p95_ms": at(95), "p99_ms": at(99)})
    }
}

impl Caller<'_> {
    /// Works until it is over; counts what begins and ends in the measured time.
    pub fn work(mut self, phase: &AtomicU8) -> Result<Tally> {
        let mut tally = Tally::default();
        while phase.load(Ordering::Relaxed) != OVER {
            let times = self.order(phase)?;
            if phase.load(Ordering::Relaxed) == MEASURED {
                tally.orders += 1;
                for (all, (measured, micros)) in tally.times.iter_mut().zip(times) {
                    if measured {
                        all.push(micros);
                    }
                }
            }
        }
        Ok(tally)
    }

    fn product(&mut self) -> i64 {
        let total = self.shop.weights.last().copied().unwrap_or(1);
        let drawn = self.dice.roll(usize::try_from(total).unwrap_or(usize::MAX)) as u64;
        let at = self.shop.weights.partition_point(|weight| *weight <= drawn);
        self.shop.products[at.min(self.shop.products.len() - 1)]
    }

    /// One order from the first click to the money; for each step whether it began in the measured time, and its time.
    fn order(&mut self, phase: &AtomicU8) -> Result<[(bool, u32); STEPS.len()]> {
        let mut times = [(false, 0); STEPS.len()];
        let mut timed = |step: usize, work: &mut dyn FnMut() -> Result<J>| {
            let (measured, begun) = (phase.load(Ordering::Relaxed) == MEASURED, Instant::now());
            let result = work();
            times[step] = (measured, u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
            result
        };
        let mut lines = Vec::with_capacity(LINES);
        for _ in 0..LINES {
            let product = self.product();
            lines.push(json!({"product": product, "quantity": (1 + self.dice.roll(5)).to_string()}));
        }
        let body = json!({"customer": self.dice.pick(&self.shop.customers), "lines": lines});
        let order = timed(0, &mut || self.sales.create("sales.order", &body))?;
        let confirmed = timed(1, &mut || self.sales.run("sales.order.confirm", &json!({"order": order})))?;
        let delivery = json!({"delivery": confirmed["delivery"]});
        let shipped = timed(2, &mut || self.stock.run("inventory.delivery.ship", &delivery))?;
        // The process has issued the invoice by itself: the answer tells its number.
        let numbers = shipped["_result"]["numbers"].as_array().into_iter().flatten();
        let invoice = numbers.filter(|n| n["entity"] == "finance.invoice").map(|n| n["id"].clone()).next();
        let invoice = json!({"invoice": invoice.ok_or_else(|| Error::internal(format!("no invoice: {shipped}")))?});
        timed(3, &mut || self.accounts.run("finance.invoice.send", &invoice))?;
        timed(4, &mut || self.accounts.run("finance.invoice.pay", &invoice))?;
        Ok(times)
    }
}
