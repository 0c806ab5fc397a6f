"""Makes a file of users from an export of a realm: python3 keycloak.py realm.json > users.jsonl

The export has the users in it: kc.sh export --realm acme --users realm_file --file realm.json
A user's id becomes the `userId`: it is the `sub` of Keycloak's tokens. Passwords stay where they are.
"""

import base64
import json
import sys
from urllib.parse import quote


def app(credential, user):
    """The authenticator app of a credential, as an otpauth address: Keycloak may use other digits than six."""
    secret, data = json.loads(credential["secretData"])["value"], json.loads(credential["credentialData"])
    if data["subType"] != "totp":
        return None  # A counter (HOTP) has no place here: its user sets up an app anew.
    # Keycloak keeps the letters themselves as the key, and newer versions may say that they are base32.
    if data.get("secretEncoding") != "BASE32":
        secret = base64.b32encode(secret.encode()).decode().rstrip("=")
    algorithm = data["algorithm"].removeprefix("Hmac")
    label = quote(user["username"])
    uri = f"otpauth://totp/{label}?secret={secret}&algorithm={algorithm}&digits={data['digits']}&period={data['period']}"
    return {"otpauthUri": uri, "name": credential.get("userLabel")}


with open(sys.argv[1]) as file:
    realm = json.load(file)
for user in realm["users"]:
    credentials = [credential for credential in user.get("credentials", []) if credential["type"] == "otp"]
    apps = [app(credential, user) for credential in credentials]
    line = {"userId": user["id"], "username": user["username"], "totp": [one for one in apps if one]}
    line |= {name: user[name] for name in ("email", "emailVerified") if name in user}
    print(json.dumps(line))
