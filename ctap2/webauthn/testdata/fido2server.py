"""python-fido2's relying party, for one user.

Its arguments are the RP ID and the root of the attestations it trusts (base64url). It
reads a command as a line of JSON and answers with another; "error" says why it
refuses. What python-fido2 has of its own is used as it is; it has no JSON, so that
byte strings become base64url here, and nothing else is changed.
"""
import json
import sys

from fido2.attestation import NoneAttestation, PackedAttestation, FidoU2FAttestation
from fido2.client import ClientData
from fido2.ctap2 import AttestationObject, AuthenticatorData
from fido2.server import AttestationVerifier, Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import PublicKeyCredentialParameters

RP_ID, ROOT = sys.argv[1], websafe_decode(sys.argv[2])


class Verifier(AttestationVerifier):
    """Trusts what ROOT has issued, and says which kind of attestation it saw."""

    def __init__(self):
        super().__init__([NoneAttestation(), PackedAttestation(), FidoU2FAttestation()])
        self.kind = None

    def ca_lookup(self, result, auth_data):
        self.kind = result.attestation_type.name
        return [ROOT]


class Party:
    def __init__(self):
        self.credentials = []
        self.state = None
        self.server = None
        self.verifier = None

    def forget(self):
        self.credentials = []

    def begin_registration(self, attestation=None, uv=None, rk=None, algorithms=None, exclude=False, extensions=None):
        self.verifier = Verifier()
        self.server = Fido2Server({"id": RP_ID, "name": "Example"}, attestation=attestation, verify_attestation=self.verifier)
        if algorithms:
            self.server.allowed_algorithms = [PublicKeyCredentialParameters("public-key", a) for a in algorithms]
        options, self.state = self.server.register_begin(
            {"id": b"ada's handle", "name": "ada", "displayName": "Ada"},
            self.credentials if exclude else None,
            resident_key=rk,
            user_verification=uv,
        )
        if extensions:
            options["publicKey"]["extensions"] = extensions
        return options

    def finish_registration(self, response):
        answer = response["response"]
        attestation = AttestationObject(websafe_decode(answer["attestationObject"]))
        data = self.server.register_complete(self.state, ClientData(websafe_decode(answer["clientDataJSON"])), attestation)
        credential = data.credential_data
        if websafe_decode(response["rawId"]) != credential.credential_id or response["id"] != response["rawId"]:
            raise ValueError("Another credential ID in the response.")
        if websafe_decode(answer["authenticatorData"]) != data:
            raise ValueError("Another authenticator data in the response.")
        if answer["publicKeyAlgorithm"] != credential.public_key.ALGORITHM:
            raise ValueError("Another algorithm in the response.")
        self.check_public_key(answer["publicKey"], credential.public_key)
        self.credentials.append(credential)
        return dict(told(data), fmt=attestation.fmt, kind=self.verifier.kind, algorithm=credential.public_key.ALGORITHM)

    @staticmethod
    def check_public_key(der, cose):
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        if type(cose).from_cryptography_key(load_der_public_key(websafe_decode(der))) != cose:
            raise ValueError("Another public key in the response.")

    def begin_login(self, uv=None, allow=True, extensions=None, others=None):
        self.server = Fido2Server({"id": RP_ID, "name": "Example"})
        descriptors = [{"type": "public-key", "id": websafe_decode(o)} for o in others or ()]
        options, self.state = self.server.authenticate_begin(descriptors + self.credentials if allow else None, user_verification=uv)
        if extensions:
            options["publicKey"]["extensions"] = extensions
        return options

    def finish_login(self, response):
        answer = response["response"]
        data = AuthenticatorData(websafe_decode(answer["authenticatorData"]))
        used = self.server.authenticate_complete(
            self.state,
            self.credentials,
            websafe_decode(response["rawId"]),
            ClientData(websafe_decode(answer["clientDataJSON"])),
            data,
            websafe_decode(answer["signature"]),
        )
        user = answer.get("userHandle")
        return dict(told(data), credential=self.credentials.index(used), user=user and websafe_decode(user).decode())


def told(data):
    """What the authenticator's data say."""
    return {"flags": int(data.flags), "counter": data.counter, "extensions": data.extensions or {}}


def plain(value):
    """What JSON can hold."""
    if isinstance(value, bytes):
        return websafe_encode(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


party = Party()
for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = plain(getattr(party, command.pop("do"))(**command))
    except Exception as e:
        answer = {"error": "%s: %s" % (type(e).__name__, e)}
    print(json.dumps(answer), flush=True)
