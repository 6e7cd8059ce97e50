"""IAM roles and their policies."""

from client.account import Account
from local.deployer.resource import Created, Kind, Resource


def create_role(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    request = resource.request(
        without=("name", "managedPolicyArns", "inlinePolicies", "forceDetachPolicies"),
        assumeRolePolicy="AssumeRolePolicyDocument",
    )
    client = account.client("iam")
    role = client.create_role(RoleName=name, Tags=resource.tag_list, **request)["Role"]
    for policy in resource.inputs.get("inlinePolicies", []):
        client.put_role_policy(
            RoleName=name, PolicyName=policy["name"], PolicyDocument=policy["policy"]
        )
    for arn in resource.inputs.get("managedPolicyArns", []):
        client.attach_role_policy(RoleName=name, PolicyArn=arn)
    return Created(
        id=name,
        outputs={
            "name": name,
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "tagsAll": resource.tags,
        },
    )


def put_role_policy(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    role = resource.inputs["role"]
    account.client("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=resource.inputs["policy"]
    )
    return Created(id=f"{role}:{name}", outputs={"name": name})


def attach_role_policy(account: Account, resource: Resource) -> Created:
    role, arn = resource.inputs["role"], resource.inputs["policyArn"]
    account.client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
    return Created(id=f"{role}-{arn}")


KINDS = {
    "aws:iam/role:Role": Kind(create_role),
    "aws:iam/rolePolicy:RolePolicy": Kind(put_role_policy, update=put_role_policy),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(attach_role_policy),
}
