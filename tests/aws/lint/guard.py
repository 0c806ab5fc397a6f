"""Holds the template, as SAM transforms it, to infra/guard; and shows of each rule that it can fail."""

import copy
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from cfn_guard_rs import run_checks
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[3]


def transformed() -> dict:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # Where the code is makes no difference to the rules; the translator wants it in S3.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    return transform(template, {}, SimpleNamespace(load=lambda: {}))


def first_statement(resources: dict) -> dict:
    return resources["TrackRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]


def shared_statement(resources: dict) -> dict:
    return resources["TablePolicy"]["Properties"]["PolicyDocument"]["Statement"][1]


BREAKAGES = {
    "tables_are_protected": [
        lambda r: r["Table"]["Properties"].update(DeletionProtectionEnabled=False),
        lambda r: r["Table"]["Properties"].pop("DeletionProtectionEnabled"),
        lambda r: r["Table"].pop("DeletionPolicy"),
    ],
    "keys_are_kept": [lambda r: r["SecretsKey"].pop("DeletionPolicy")],
    "batches_fail_in_part": [lambda r: r["DeliverFunctionDelivery"]["Properties"].pop("FunctionResponseTypes")],
    "messages_stay_hidden_for_six_timeouts": [
        lambda r: r["DeliveryQueue"]["Properties"].update(VisibilityTimeout=30),
        lambda r: r["DeliverFunction"]["Properties"].update(Timeout=60),
    ],
    "queues_are_sealed": [lambda r: r["DeliveryDeadLetterQueue"]["Properties"].pop("KmsMasterKeyId")],
    "roles_are_exact": [
        lambda r: r["TrackRole"]["Properties"].update(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]),
        lambda r: first_statement(r).update(Resource="*"),
        lambda r: first_statement(r)["Action"].append("dynamodb:*"),
        lambda r: first_statement(r)["Action"].append("dynamodb:Scan"),
    ],
    "shared_policies_are_exact": [
        lambda r: shared_statement(r).update(Resource="*"),
        lambda r: shared_statement(r)["Action"].append("kms:*"),
        lambda r: shared_statement(r)["Action"].append("dynamodb:Scan"),
    ],
}


def main() -> int:
    rules = "\n".join(path.read_text() for path in sorted((ROOT / "infra" / "guard").glob("*.guard")))
    template = transformed()
    report = run_checks(template, rules)
    for rule in report.not_compliant:
        print(f"the template breaks {rule}")
    blind = []
    for name, breakages in BREAKAGES.items():
        for number, breakage in enumerate(breakages):
            broken = copy.deepcopy(template)
            breakage(broken["Resources"])
            if name in run_checks(broken, rules).compliant:
                blind.append(f"{name} does not see breakage {number}")
    unproven = set(report.compliant) - set(BREAKAGES)
    blind += [f"{name} is broken by nothing in this file" for name in unproven]
    print("\n".join(blind) or f"{len(report.compliant)} rules hold, and each was seen to fail")
    return 1 if report.not_compliant or blind or not report.compliant else 0


if __name__ == "__main__":
    sys.exit(main())
