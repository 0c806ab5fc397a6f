//! Files of hardware tokens, and what spreadsheets make of files of users.

use std::fs;

use serde_json::Value;

use super::{
    import::{counts, installation, path, users, written},
    process::Directory,
};

/// The problems of a file, as its report has them.
fn problems(directory: &Directory, name: &str, text: &str, more: &[&str]) -> Vec<String> {
    let (file, report) = (written(directory, name, text), path(directory, &format!("{name}.report")));
    let mut words = vec!["import", &file, "--report", &report];
    words.extend(more);
    let output = users(directory, &words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 2)), "{name}: {said}");
    let report = fs::read_to_string(&report).expect("a report");
    let line = |line: &str| -> Value { serde_json::from_str(line).expect("JSON") };
    report.lines().map(line).map(|one| format!("{} {}", one["field"], one["problem"]).replace('"', "")).collect()
}

fn refused(directory: &Directory, name: &str, text: &str, says: &str) {
    let output = users(directory, &["import", &written(directory, name, text)]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{name}: {said}");
    assert!(said.contains(says), "{name}: {said}");
}

const HEX: &str = "3132333435363738393031323334353637383930";

#[test]
fn an_oath_csv_says_what_it_does_not_bring() {
    let directory = installation();
    let text = format!(
        "# version: 2\nada,r,x,T1,{HEX},totp,6,30\n# a comment\n\nada,r,x,T2,{HEX},hotp,6\nada,r,x,T3,{HEX}\n\
         ada,r,x,T4,{HEX},ocra\n,r,x,T5,{HEX},totp\nada,r,x,T6,not hex,totp\nada,r,x,T7,{HEX},totp,4\n\
         ada,r,x,T8,{HEX},totp,6,30,md5\nada\n"
    );
    let said = problems(&directory, "tokens.csv", &text, &[]);
    let expected = [
        "type is HOTP",
        "type is HOTP",
        "type is ocra",
        "userId is not in the file (serial T5); say --owners FILE",
        "totp[0].secretHex is not hexadecimal",
        "totp[0].digits has codes of another length",
        "totp[0].algorithm has an algorithm that is none of",
        "line has not the columns user, resolver",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said} is not {expected}");
    }
    refused(
        &directory,
        "a.csv",
        "upn,serial number,secret key,colour\nada,1,JBSWY3DPEHPK3PXP,red\n",
        "colour is not a column",
    );
    refused(&directory, "b.csv", "upn,serial number,serial,secret key\nada,1,1,JBSWY3DPEHPK3PXP\n", "there twice");
}

#[test]
fn tokens_without_owners_are_given_them() {
    let directory = installation();
    let text = format!("T1,{HEX},totp\nT2,3132333435363738393031,totp,8,60\nT3,{HEX},totp\n");
    let owners = written(&directory, "owners", "serial,userId\nT1,ada\nT2, grace\n");
    let said = problems(&directory, "tokens", &text, &["--format", "oath-csv", "--owners", &owners]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("userId is not in the file (serial T3)"), "{said:?}");
    let all = path(&directory, "all.jsonl");
    users(&directory, &["export", &all]);
    let all = fs::read_to_string(all).expect("an export");
    assert!(
        all.contains("\"userId\":\"grace\"") && all.contains("period=60") && all.contains("\"name\":\"T2\""),
        "{all}"
    );
    for (text, says) in [("serial,user\n", "serial,userId"), ("serial,userId\nT1,a\nT1,b\n", "T1 is there twice")] {
        let owners = written(&directory, "bad-owners", text);
        let file = path(&directory, "tokens");
        let output = users(&directory, &["import", &file, "--format", "oath-csv", "--owners", &owners]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(says), "{said}");
    }
}

fn pskc(key: &str) -> String {
    format!(
        "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage><DeviceInfo><SerialNo>S1</SerialNo>\
         </DeviceInfo>{key}</KeyPackage></KeyContainer>"
    )
}

#[test]
fn a_pskc_says_what_it_does_not_bring() {
    let directory = installation();
    let secret = "<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>";
    let key = |algorithm: &str, format: &str, data: &str, policy: &str| {
        pskc(&format!(
            "<Key Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:{algorithm}\"><AlgorithmParameters>\
             <ResponseFormat {format}/></AlgorithmParameters><Data>{data}</Data><UserId>ada</UserId>{policy}</Key>"
        ))
    };
    let usual = "Encoding=\"DECIMAL\" Length=\"6\"";
    let encrypted = "<Secret><EncryptedValue/></Secret>";
    for (index, (text, says)) in [
        (key("hotp", usual, secret, ""), "Algorithm is HOTP"),
        (key("OCRA-1", usual, secret, ""), "Algorithm is urn:"),
        (
            key("totp", "Encoding=\"ALPHANUMERIC\" Length=\"6\"", secret, ""),
            "ResponseFormat has codes that are not digits",
        ),
        (
            key("totp", "Encoding=\"DECIMAL\" Length=\"6\" CheckDigits=\"true\"", secret, ""),
            "ResponseFormat has a check digit",
        ),
        (key("totp", "Encoding=\"DECIMAL\" Length=\"9\"", secret, ""), "totp[0].digits"),
        (key("totp", usual, encrypted, ""), "Secret is encrypted"),
        (key("totp", usual, "", ""), "Secret is missing"),
        (key("totp", usual, "<Secret><PlainValue>!</PlainValue></Secret>", ""), "Secret is not Base64"),
        (
            key("totp", usual, secret, "<Policy><ExpiryDate>2020-01-01T00:00:00Z</ExpiryDate></Policy>"),
            "ExpiryDate has passed",
        ),
        (key("totp", usual, secret, "<Policy><PINPolicy PINUsageMode=\"Append\"/></Policy>"), "PINPolicy is a policy"),
        (
            key("totp", usual, secret, "<Policy><NumberOfTransactions>5</NumberOfTransactions></Policy>"),
            "NumberOfTransactions is",
        ),
        (pskc(""), "Key is missing"),
        (key("totp", usual, secret, "").replace(">ada<", ">CN=Ada,C=GB<"), "userId is not in the file (serial S1)"),
    ]
    .into_iter()
    .enumerate()
    {
        let said = problems(&directory, &format!("{index}.xml"), &text, &[]);
        assert!(said.len() == 1 && said[0].starts_with(says), "{says}: {said:?}");
        assert!(!said[0].contains("MTIzNDU2"), "no secret stands in a report");
    }
    // An entity that grows, and what is something else.
    let bomb = "<!DOCTYPE a [<!ENTITY b \"cc\"><!ENTITY d \"&b;&b;\">]><KeyContainer>&d;</KeyContainer>";
    refused(&directory, "bomb.xml", bomb, "is not XML without DTD");
    refused(&directory, "other.xml", "<users/>", "is not PSKC");
    let good = written(
        &directory,
        "good.xml",
        &key("totp", usual, secret, "<Policy><StartDate>2020-01-01T00:00:00Z</StartDate></Policy>"),
    );
    assert_eq!(counts(&users(&directory, &["import", &good])), [1, 0, 0, 0]);
    let named = users(&directory, &["export", &path(&directory, "all.xml")]);
    assert!(String::from_utf8_lossy(&named.stderr).contains("export writes jsonl or csv"));
}

/// RFC 6030, section 6.1, figure 6, as a TOTP key: its key, its values, its MAC.
#[test]
fn an_encrypted_pskc_is_read_with_its_key() {
    let directory = installation();
    let cipher = |value: &str| {
        format!(
            "<EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"/>\
             <CipherData><CipherValue>{value}</CipherValue></CipherData>"
        )
    };
    let mac_key = cipher("ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX");
    let secret = cipher("AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv");
    let file = |mac: &str| {
        format!(
            "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\
             <MACMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\"><MACKey>{mac_key}</MACKey></MACMethod>\
             <KeyPackage><Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\"><UserId>ada</UserId><Data>\
             <Secret><EncryptedValue>{secret}</EncryptedValue>{mac}</Secret></Data></Key></KeyPackage></KeyContainer>"
        )
    };
    let right = "<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC>";
    let key = written(&directory, "key", "1234 5678 9012 3456 7890 1234 5678 9012\n");
    let other = written(&directory, "other", "22345678901234567890123456789012");
    let long = written(&directory, "long", &"12".repeat(32));
    for (mac, key, says) in [
        (right, None, "Secret is encrypted; say --pskc-key"),
        (right, Some(&other), "Secret cannot be decrypted"),
        (right, Some(&long), "Secret is encrypted with a key of another length"),
        ("", Some(&key), "Secret has no MAC"),
        (
            "<ValueMAC>AAAAvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC>",
            Some(&key),
            "Secret cannot be decrypted with this key, or was",
        ),
    ] {
        let more: Vec<&str> = key.into_iter().flat_map(|key| ["--pskc-key", key]).collect();
        let said = problems(&directory, "encrypted.xml", &file(mac), &more);
        assert!(said.len() == 1 && said[0].starts_with(says), "{says}: {said:?}");
    }
    assert!(problems(&directory, "encrypted.xml", &file(right), &["--pskc-key", &key]).is_empty());
    let all = path(&directory, "all.jsonl");
    users(&directory, &["export", &all]);
    let all = fs::read_to_string(all).expect("an export");
    assert!(all.contains("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "12345678901234567890: {all}");
}

/// RFC 6030, section 6.2, figure 7, as a TOTP key: its password, its salt, its values, its MAC.
#[test]
fn a_pskc_that_is_encrypted_by_a_password_is_read_with_it() {
    let directory = installation();
    let cipher = |value: &str| {
        format!(
            "<EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"/>\
             <CipherData><CipherValue>{value}</CipherValue></CipherData>"
        )
    };
    let mac_key = cipher("2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx");
    let secret = cipher("oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f");
    let usual = "<Salt><Specified>Ej7/PEpyEpw=</Specified></Salt><IterationCount>1000</IterationCount>\
                 <KeyLength>16</KeyLength><PRF/>";
    let file = |derivation: &str| {
        format!(
            "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">{derivation}\
             <MACMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\"><MACKey>{mac_key}</MACKey></MACMethod>\
             <KeyPackage><Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\"><UserId>ada</UserId><Data>\
             <Secret><EncryptedValue>{secret}</EncryptedValue><ValueMAC>LP6xMvjtypbfT9PdkJhBZ+D6O4w=</ValueMAC></Secret>\
             </Data></Key></KeyPackage></KeyContainer>"
        )
    };
    let by = |name: &str, said: &str| {
        file(&format!(
            "<EncryptionKey><DerivedKey><KeyDerivationMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#{name}\">\
             <PBKDF2-params>{said}</PBKDF2-params></KeyDerivationMethod></DerivedKey></EncryptionKey>"
        ))
    };
    let right = by("pbkdf2", usual);
    let password = written(&directory, "password", "qwerty\n");
    let key = written(&directory, "key", "12345678901234567890123456789012");
    // The import says of the whole file what is wrong with it.
    let refused = |text: &str, more: &[&str]| {
        let file = written(&directory, "refused.xml", text);
        let mut arguments = vec!["import", file.as_str(), "--dry-run"];
        arguments.extend(more);
        let said = users(&directory, &arguments);
        assert!(!said.status.success());
        String::from_utf8_lossy(&said.stderr).into_owned()
    };
    let with_password = ["--pskc-password", password.as_str()];
    for (text, more, says) in [
        (&right, ["--pskc-key", key.as_str()], "is encrypted by a password; say --pskc-password"),
        (&file(""), with_password, "is not encrypted by a password; say --pskc-key"),
        (&by("scrypt", usual), with_password, "another function than PBKDF2"),
        (&by("pbkdf2", &usual.replace("1000", "4000000000")), with_password, "IterationCount above"),
        (&by("pbkdf2", &usual.replace(">1000<", ">0<")), with_password, "has no IterationCount"),
        (&by("pbkdf2", &usual.replace(">16<", ">1600000000<")), with_password, "another length"),
        (&by("pbkdf2", &usual.replace("Ej7/PEpyEpw=", "?")), with_password, "has no salt"),
        (
            &by("pbkdf2", &usual.replace("<PRF/>", "<PRF Algorithm=\"x#hmac-md5\"/>")),
            with_password,
            "another function than HMAC",
        ),
    ] {
        let said = refused(text, &more);
        assert!(said.contains(says), "{says}: {said}");
    }
    let empty = written(&directory, "empty", "\n");
    assert!(refused(&right, &["--pskc-password", &empty]).contains("has no password"));
    let other = written(&directory, "other", "Qwerty");
    let said = problems(&directory, "encrypted.xml", &right, &["--pskc-password", &other]);
    assert!(said.len() == 1 && said[0].starts_with("Secret cannot be decrypted"), "{said:?}");
    assert!(problems(&directory, "encrypted.xml", &right, &with_password).is_empty());
    let all = path(&directory, "all.jsonl");
    users(&directory, &["export", &all]);
    let all = fs::read_to_string(all).expect("an export");
    assert!(all.contains("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "12345678901234567890: {all}");
}

#[test]
fn a_seed_of_another_kind_is_called_by_its_name() {
    let directory = installation();
    let mut text = String::from("\u{feff}{\"userId\": \"first\", \"emailVerified\": \"TRUE\"}\n");
    let cases = [
        (r#"{"otpauthUri": "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP"}"#, "totp[0].otpauthUri is HOTP"),
        (r#"{"otpauthUri": "otpauth://totp/Steam:a?secret=JBSWY3DPEHPK3PXP"}"#, "totp[0].otpauthUri is Steam's"),
        (r#"{"secret": "otpauth://steam/a?secret=JBSWY3DPEHPK3PXP"}"#, "totp[0].otpauthUri is Steam's"),
        (r#"{"secret": "JBSWY3DPEHPK3PXP", "algorithm": "MD5"}"#, "totp[0].algorithm has"),
        (r#"{"secret": "JBSWY3DPEHPK3PXP", "digits": 9}"#, "totp[0].digits has"),
        (r#"{"secret": "JBSWY3DPEHPK3PXP", "period": true}"#, "totp[0].period is not a text"),
        (r#"{"secret": "JBSWY3DPEHPK3PXP", "secretHex": "00"}"#, "totp[0].secret or secretHex"),
        (r#"{"otpauthUri": "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP", "digits": 8}"#, "totp[0].digits stands in"),
        (r#"{"secretHex": "JBSWY3DPEHPK3PXP"}"#, "totp[0].secretHex is not hexadecimal"),
        (r#"{"secretHex": "00"}"#, "totp[0].secretHex has not the 10 to 128 bytes"),
    ];
    for (app, _) in &cases {
        text += &format!("{{\"userId\": \"u\", \"totp\": [{app}]}}\n");
    }
    let said = problems(&directory, "users.jsonl", &text, &[]);
    assert_eq!(said.len(), cases.len(), "{said:#?}");
    for (said, (app, expected)) in said.iter().zip(&cases) {
        assert!(said.starts_with(expected), "{app}: {said}");
    }
    let verified =
        users(&directory, &["import", &written(&directory, "again.csv", "userId,emailVerified\nfirst,TRUE\n")]);
    assert_eq!(counts(&verified), [0, 0, 1, 0], "the same as TRUE in JSON Lines, after a mark of bytes");
}

/// OWASP, "CSV Injection": a spreadsheet runs what begins so.
#[test]
fn a_spreadsheet_runs_nothing_of_an_export() {
    let directory = installation();
    let names = ["=HYPERLINK(\"http://evil.example\")", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "ada", "＝1"];
    let line = |(index, name): (usize, &&str)| {
        serde_json::json!({"userId": format!("u{index}"), "displayName": name}).to_string() + "\n"
    };
    let text: String = names.iter().enumerate().map(line).collect();
    assert_eq!(counts(&users(&directory, &["import", &written(&directory, "users.jsonl", &text)])), [8, 0, 0, 0]);
    let (file, again) = (path(&directory, "all.csv"), path(&directory, "all.jsonl"));
    users(&directory, &["export", &file]);
    let mut exported = csv::Reader::from_path(&file).expect("an export");
    let display = exported.headers().expect("names").iter().position(|name| name == "displayName").expect("a column");
    for (cells, name) in exported.records().map(|cells| cells.expect("CSV")).zip(names) {
        assert_eq!(cells[display], if name == "ada" { name.to_owned() } else { format!("'{name}") });
        assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝'])), "{cells:?}");
    }
    // Read again, it is what it was.
    assert_eq!(counts(&users(&directory, &["import", &file])), [0, 0, 8, 0]);
    users(&directory, &["export", &again]);
    let again = fs::read_to_string(&again).expect("an export");
    assert!(names.iter().all(|name| again.contains(&serde_json::to_string(name).expect("a text"))), "{again}");
}

#[test]
fn a_name_of_an_app_controls_nothing() {
    let directory = installation();
    for name in ["a\u{0}b", "a\nb", "a\u{1b}[31mb", "a\u{85}b"] {
        let app = serde_json::json!({"secret": "JBSWY3DPEHPK3PXP", "name": name});
        let line = serde_json::json!({"userId": "ada", "totp": [app]});
        let said = problems(&directory, "named.jsonl", &line.to_string(), &[]);
        assert!(said.len() == 1 && said[0].starts_with("totp[0].name has a control character"), "{name:?}: {said:?}");
    }
}
