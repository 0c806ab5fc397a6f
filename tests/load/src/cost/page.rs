//! infra/cost.md, section by section.

use std::fmt::{Result, Write};

use crate::{
    flow::{A_MILLION, Flow, Measured, push, totp},
    prices::{self, Million},
};

/// The whole page.
pub fn page(measured: &str) -> crate::Result<String> {
    let measured: Measured = serde_json::from_str(measured)?;
    let (totp, push) = (totp(&measured)?, push(&measured)?);
    let mut page = String::new();
    head(&mut page)?;
    bill(&mut page, &totp, &push)?;
    stack(&mut page)?;
    counted(&mut page, &totp, &push)?;
    by_request(&mut page, &totp, &push)?;
    assumed(&mut page)?;
    others(&mut page, &totp, &push)?;
    list(&mut page)?;
    Ok(page)
}

fn head(out: &mut String) -> Result {
    writeln!(
        out,
        "# What it costs\n\n\
         AWS list prices, {}, USD, without any free tier, for a million in a month, spread evenly. `cost`\n\
         prints this page from [cost.json](cost.json), which `cold-start` measured, and from the constants of\n\
         [prices.rs](../tests/load/src/cost/prices.rs); a test compares the two.\n\n\
         ```console\n\
         $ cargo build --release --workspace && tests/aws/build x86_64   # the functions to measure\n\
         $ target/release/cold-start --json > infra/cost.json && target/release/cost > infra/cost.md\n\
         ```\n",
        prices::REGION
    )
}

fn sum(flow: &Flow) -> f64 {
    flow.bill().iter().map(|(_, usd)| usd).sum()
}

fn bill(out: &mut String, totp: &Flow, push: &Flow) -> Result {
    writeln!(out, "| USD for a million | TOTP verifications | approvals by push |\n|---|---:|---:|")?;
    for ((name, totp), (_, push)) in totp.bill().iter().zip(&push.bill()) {
        writeln!(out, "| {name} | {totp:.2} | {push:.2} |")?;
    }
    writeln!(out, "| **sum** | **{:.2}** | **{:.2}** |\n", sum(totp), sum(push))
}

fn stack(out: &mut String) -> Result {
    let fixed = [
        ("KMS keys", prices::KEYS, prices::KMS_KEY.of(prices::KEYS)),
        ("custom metrics, where each is written all month", prices::METRICS, prices::METRIC.of(prices::METRICS)),
        ("metrics of alarms", prices::ALARM_METRICS, prices::ALARM.of(prices::ALARM_METRICS)),
        ("dashboards", prices::DASHBOARDS, prices::DASHBOARD.of(prices::DASHBOARDS)),
        ("polls of an idle queue", prices::IDLE_POLLS, prices::SQS_REQUEST.of(prices::IDLE_POLLS)),
    ];
    writeln!(out, "The stack itself, a month:\n\n| | count | USD |\n|---|---:|---:|")?;
    for (name, count, usd) in fixed {
        writeln!(out, "| {name} | {count:.0} | {usd:.2} |")?;
    }
    writeln!(out, "| **sum** | | **{:.2}** |\n", fixed.iter().map(|(.., usd)| usd).sum::<f64>())
}

/// A figure of a flow, for a line of the page.
type Figure = fn(&Flow) -> f64;

fn counted(out: &mut String, totp: &Flow, push: &Flow) -> Result {
    writeln!(out, "## Counted for one\n\n| | TOTP verification | approval by push |\n|---|---:|---:|")?;
    let rows: [(&str, Figure, usize); 7] = [
        ("API requests", Flow::http_requests, 0),
        ("function invocations", Flow::requests, 0),
        ("billed ms at 256 MB, warm", Flow::billed_ms, 0),
        ("of which CPU, on a whole processor", |flow| flow.sum(|step| step.request.cpu_ms.median), 2),
        ("DynamoDB write units", Flow::write_units, 1),
        ("DynamoDB read units", |flow| flow.sum(|step| step.request.read_units), 1),
        ("bytes of log", Flow::log_bytes, 0),
    ];
    for (name, of, digits) in rows {
        writeln!(out, "| {name} | {:.digits$} | {:.digits$} |", of(totp), of(push))?;
    }
    writeln!(out)
}

fn by_request(out: &mut String, totp: &Flow, push: &Flow) -> Result {
    writeln!(
        out,
        "Measured, request by request. Calls are round trips to DynamoDB, units are as the embedded DynamoDB counts them\n\
         (a transactional write is two, a consistent read one, of each KB begun), and USD is for a million of the request\n\
         with all that is billed by request.\n\n\
         | | in a verification | in an approval | calls | read units | write units | CPU ms | USD |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    let in_push = |name: &str| push.steps.iter().find(|step| step.name == name).map_or(0.0, |step| step.times);
    let in_totp = |name: &str| totp.steps.iter().find(|step| step.name == name).map_or(0.0, |step| step.times);
    let only_totp = totp.steps.iter().filter(|step| in_push(&step.name) == 0.0);
    for step in push.steps.iter().chain(only_totp) {
        let (name, request) = (&step.name, &step.request);
        writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {} | {:.2} | {:.2} |",
            in_totp(name),
            in_push(name),
            request.store_calls,
            request.read_units,
            request.write_units,
            request.cpu_ms.median,
            step.usd(),
        )?;
    }
    writeln!(out)
}

fn assumed(out: &mut String) -> Result {
    writeln!(
        out,
        "- A TOTP verification is track, verify and validate.\n\
         - An approval by push, to one device and without a number, is track; challenge, which sends one message to the\n  \
           queue; deliver, which publishes once (the first push to a device makes its endpoint besides: one call of SNS\n  \
           and one write); what the app on the device asks (something to sign, what is pending) and its answer; {} polls\n  \
           of the page that waits, one every two seconds of the ten that a person takes; validate. A poll more or\n  \
           less is what the table says.\n\
         - Billed time: CPU of this machine (x86_64) divided by {:.0}/{:.0} of a processor, and {:.0} ms of waiting for each\n  \
           call; one request in {:.0} starts a function, for {:.0} ms more.\n\
         - KMS: two requests at each start of a function that has keys (whether they are there; the tenant's token key), one\n  \
           each five minutes for each of {:.0} warm copies that open data keys, and DynamoDB's and SQS's own, each five\n  \
           minutes for each role. Tenants: one; each more adds its own token key and data key.\n\
         - Logs: measured lines (metrics and events at the level info), {:.0} bytes of START, END and REPORT, {:.0} of access\n  \
           log. Keeping them for a month costs less than a twentieth of that.\n\
         - Left out as negligible: data transfer (some 1 KB an answer; 100 GB a month are free), X-Ray (off), point-in-time\n  \
           recovery of a table of a gigabyte, the free tiers.",
        prices::POLLS,
        prices::MEMORY_MB,
        prices::MEMORY_MB_OF_A_PROCESSOR,
        prices::WAIT_MS,
        1.0 / prices::COLD_STARTS,
        prices::START_EXTRA_MS,
        prices::WARM_COPIES,
        prices::PLATFORM_LOG_BYTES,
        prices::ACCESS_LOG_BYTES,
    )
}

fn others(out: &mut String, totp: &Flow, push: &Flow) -> Result {
    writeln!(
        out,
        "\n## Others\n\n\
         List prices as they are quoted; the pages themselves could not be opened from here. A price by user is for one\n\
         who verifies {:.0} times a month, so a million are {:.0} users.\n\n\
         | | price | USD for a million | source |\n|---|---|---:|---|\n\
         | Countersign on AWS | | {:.2} (push: {:.2}) | above |",
        prices::USER_VERIFIES,
        A_MILLION / prices::USER_VERIFIES,
        sum(totp),
        sum(push),
    )?;
    for vendor in prices::VENDORS {
        let million = match vendor.million {
            Million::Each(usd) => format!("{:.0}", usd * A_MILLION),
            Million::User(usd) => format!("{:.0}", usd * A_MILLION / prices::USER_VERIFIES),
            Million::NotListed => "not listed".to_owned(),
        };
        writeln!(out, "| {} | {} | {million} | {} |", vendor.name, vendor.price, vendor.source)?;
    }
    Ok(())
}

fn list(out: &mut String) -> Result {
    writeln!(
        out,
        "\n## Prices\n\n\
         From stored copies of public pages, looked up on 2026-11-24: AWS fills its price tables in by a script, so that they\n\
         are in no copy, and most are as others quote them. Check them before a decision hangs on one.\n\n\
         | | USD | for | source |\n|---|---:|---|---|"
    )?;
    for price in prices::ALL {
        writeln!(out, "| {} | {} | {} | {} |", price.what, price.usd, price.unit, price.source)?;
    }
    Ok(())
}
