# Registers and logs in with every extension that Fido2Client knows, at the only
# key that is plugged in, and prints what it learned as JSON. The arguments are
# the PIN and the RP ID.
import json
import sys
from fido2.client import Fido2Client
from fido2.ctap2.extensions import CredProtectExtension
from fido2.hid import CtapHidDevice

pin, rp = sys.argv[1:]
(device,) = CtapHidDevice.list_devices()
client = Fido2Client(device, "https://" + rp)
learned = {}

made = client.make_credential(
    {
        "challenge": b"create",
        "rp": {"id": rp, "name": "Example"},
        "user": {"id": b"1", "name": "ada", "displayName": "Ada"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "authenticatorSelection": {"requireResidentKey": True},
        "extensions": {
            "hmacCreateSecret": True,
            "credBlob": b"kept with the credential",
            "credentialProtectionPolicy": CredProtectExtension.POLICY.REQUIRED,
            "enforceCredentialProtectionPolicy": True,
            "largeBlobKey": True,
            "minPinLength": True,
        },
    },
    pin=pin,
)
data = made.attestation_object.auth_data
learned["id"] = data.credential_data.credential_id.hex()
learned["created"] = data.extensions
learned["largeBlobKey"] = made.attestation_object.large_blob_key.hex()
learned["createResults"] = made.extension_results

salts = {"salt1": b"\x01" * 32, "salt2": b"\x02" * 32}
got = client.get_assertion(
    {
        "challenge": b"get",
        "rpId": rp,
        "extensions": {
            "hmacGetSecret": salts,
            "getCredBlob": True,
            "largeBlobKey": True,
        },
    },
    pin=pin,
)
(assertion,) = got.get_assertions()
learned["credBlob"] = assertion.auth_data.extensions["credBlob"].decode()
learned["assertedKey"] = assertion.large_blob_key.hex()
secrets = got.get_response(0).extension_results["hmacGetSecret"]
learned["secrets"] = secrets["output1"].hex() + secrets["output2"].hex()
assertion.verify(got.get_response(0).client_data.hash, data.credential_data.public_key)
print(json.dumps(learned))
