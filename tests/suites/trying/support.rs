//! Files, and the program that reads them.

use std::{fs, process::Output};

use super::process::{Directory, countersign};

pub fn path(directory: &Directory, name: &str) -> String {
    directory.path().join(name).to_str().expect("UTF-8").to_owned()
}

pub fn written(directory: &Directory, name: &str, text: &str) -> String {
    let path = path(directory, name);
    fs::write(&path, text).expect("written");
    path
}

/// `countersign rules`, on the data directory.
pub fn rules(directory: &Directory, arguments: &[&str]) -> Output {
    let data = directory.data();
    let mut all = vec!["rules"];
    all.extend(arguments);
    all.extend(["--data", &data]);
    countersign(&all).output().expect("the program runs")
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Payments: everything that a file may say.
pub const RULES: &str = r#"customDataPoints:
  - name: amount
    dataType: number
    modelType: action
  - name: plan
    dataType: text
    modelType: user
    description: What they pay for
    isPublic: true
valueLists:
  - alias: offices
    name: Offices
    itemType: string
    valueListItems: [10.0.0.0/8, "2001:db8::/32"]
  - alias: odd-amounts
    name: Odd amounts
    itemType: number
    isActive: false
    valueListItems: [13, 0.5, -1]
actions:
  - actionCode: pay
    defaultUserActionResult: ALLOW
    ruleErrorOutcome: REVIEW
    verificationMethods: [AUTHENTICATOR_APP, PUSH]
    rules:
      - name: Offices
        priority: 0
        type: ALLOW
        conditions:
          in_list: [{var: ip.address}, offices]
      - name: Large
        description: From 500 on
        priority: 10
        type: CHALLENGE
        verificationMethods: [PUSH]
        defaultVerificationMethod: PUSH
        conditions:
          ">=": [{var: custom.amount}, 500]
      - name: "yes"
        priority: 20
        type: BLOCK
        isShadow: true
        conditions:
          and:
            - "==": [{var: user.custom.plan}, "on"]
            - "!": {"<": [{var: time.hour}, 9]}
      - name: Ratio
        priority: 30
        type: BLOCK
        conditions:
          ">": [{"/": [100, {var: velocity.actions1h}]}, 99]
"#;
