"""The unchanged template is deployed, and a second time nothing changes."""

from local_aws.api import send
from local_aws.emulator import REGION
from local_aws.stack import FUNCTIONS, STACK, TEMPLATE, with_built_code


def test_only_the_place_of_the_code_differs_from_the_template(built):
    before, after = TEMPLATE.read_text().splitlines(), with_built_code(TEMPLATE.read_text(), built).splitlines()
    assert len(before) == len(after)
    changed = [(old.split(":")[0].strip(), new.split(":")[0].strip()) for old, new in zip(before, after) if old != new]
    assert changed == [("CodeUri", "CodeUri")] * len(FUNCTIONS)


def test_the_stack_serves_every_function(stack, origin):
    lambdas = stack.client("lambda")
    for function in FUNCTIONS:
        configuration = lambdas.get_function_configuration(FunctionName=stack.function_name(function))
        assert configuration["Runtime"] == "provided.al2023"
        assert configuration["Architectures"] == ["x86_64"]
    assert send(origin, "GET", "/healthz").status == 200


def test_the_table_is_as_the_store_expects_it(stack):
    dynamodb = stack.client("dynamodb")
    table = dynamodb.describe_table(TableName=stack.table)["Table"]
    assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}
    ttl = dynamodb.describe_time_to_live(TableName=stack.table)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_a_second_deploy_changes_nothing(stack, operator):
    tenant = operator.create_tenant("Before the second deploy")
    lambdas, cloudformation = stack.client("lambda"), stack.client("cloudformation")

    def seen():
        versions = {
            name: lambdas.get_function_configuration(FunctionName=stack.function_name(name)) for name in FUNCTIONS
        }
        functions = {
            name: (one["CodeSha256"], one["LastModified"], one["Environment"]) for name, one in versions.items()
        }
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        return stack.resources(), functions, stack.outputs, len(events)

    before = seen()
    said = stack.deploy()
    assert "No changes to deploy" in said, said[: said.find("Outputs")]
    assert seen() == before
    assert operator.run("tenant", "show", tenant.id)["name"] == "Before the second deploy", (
        f"its data is gone ({REGION})"
    )
