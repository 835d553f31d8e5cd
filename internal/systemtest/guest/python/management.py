# Uses every management command of the only key that is plugged in and prints
# what it learned as JSON. The argument is the PIN.
import json
import os
import sys
from fido2.ctap import CtapError
from fido2.ctap2 import ClientPin, Config, CredentialManagement, Ctap2, LargeBlobs
from fido2.ctap2.bio import FPBioEnrollment
from fido2.hid import CtapHidDevice

pin = sys.argv[1]
learned = {}

(device,) = CtapHidDevice.list_devices()
ctap = Ctap2(device, strict_cbor=True)  # a reply that is not canonical raises
pins = ClientPin(ctap)
PERMISSION, RESULT = ClientPin.PERMISSION, CredentialManagement.RESULT


def token(permission):
    return pins.protocol, pins.get_pin_token(pin, permission)


def refusal(f, *args):
    try:
        f(*args)
    except CtapError as e:
        return int(e.code)
    return 0


def credentials():
    manager = CredentialManagement(ctap, *token(PERMISSION.CREDENTIAL_MGMT))
    counts = manager.get_metadata()
    if counts[RESULT.EXISTING_CRED_COUNT] == 0:
        return []
    return [
        {
            "rp": rp[RESULT.RP]["id"],
            "credentials": [
                {
                    "id": c[RESULT.CREDENTIAL_ID]["id"].hex(),
                    "user": c[RESULT.USER]["id"].hex(),
                    "name": c[RESULT.USER].get("name", ""),
                    "displayName": c[RESULT.USER].get("displayName", ""),
                    "algorithm": c[RESULT.PUBLIC_KEY][3],
                    "credProtect": c[RESULT.CRED_PROTECT],
                    "largeBlobKey": c.get(RESULT.LARGE_BLOB_KEY, b"").hex(),
                }
                for c in manager.enumerate_creds(rp[RESULT.RP_ID_HASH])
            ],
        }
        for rp in manager.enumerate_rps()
    ]


def manage_credentials():
    manager = CredentialManagement(ctap, *token(PERMISSION.CREDENTIAL_MGMT))
    counts = manager.get_metadata()
    learned["existing"] = counts[RESULT.EXISTING_CRED_COUNT]
    learned["remaining"] = counts[RESULT.MAX_REMAINING_COUNT]
    learned["before"] = credentials()
    first, second = learned["before"][0]["credentials"][:2]
    manager = CredentialManagement(ctap, *token(PERMISSION.CREDENTIAL_MGMT))
    manager.update_user_info(
        {"type": "public-key", "id": bytes.fromhex(first["id"])},
        {"id": bytes.fromhex(first["user"]), "name": "new", "displayName": "New Name"},
    )
    gone = {"type": "public-key", "id": bytes.fromhex(second["id"])}
    manager = CredentialManagement(ctap, *token(PERMISSION.CREDENTIAL_MGMT))
    manager.delete_cred(gone)
    manager = CredentialManagement(ctap, *token(PERMISSION.CREDENTIAL_MGMT))
    learned["deletedAgain"] = refusal(manager.delete_cred, gone)
    learned["after"] = credentials()


def manage_fingerprints():
    bio = FPBioEnrollment(ctap, *token(PERMISSION.BIO_ENROLL))
    sensor = bio.get_fingerprint_sensor_info()
    learned["kind"] = sensor[FPBioEnrollment.RESULT.FINGERPRINT_KIND]
    learned["samples"] = sensor[FPBioEnrollment.RESULT.MAX_SAMPLES_REQUIRED]
    learned["noFingerprints"] = bio.enumerate_enrollments()

    def enrol(name):
        context, left = bio.enroll(), []
        while True:
            template = context.capture()
            left.append(context.remaining)
            if template is not None:
                bio.set_name(template, name)
                return template, left

    cancelled = bio.enroll()
    cancelled.capture()
    cancelled.cancel()
    one, learned["left"] = enrol("one")
    two, _ = enrol("two")
    three, _ = enrol("three")
    bio.set_name(two, "zwei")
    bio.remove_enrollment(one)
    learned["removedAgain"] = refusal(bio.remove_enrollment, one)
    learned["fingerprints"] = {
        k.hex(): v for k, v in bio.enumerate_enrollments().items()
    }
    # Without the PIN, by the new finger; its permission is checked, too.
    uv = ClientPin(ctap)
    manager = CredentialManagement(
        ctap, uv.protocol, uv.get_uv_token(PERMISSION.CREDENTIAL_MGMT)
    )
    learned["existing"] = manager.get_metadata()[RESULT.EXISTING_CRED_COUNT]


def manage_blobs():
    (rp,) = credentials()
    keys = [bytes.fromhex(c["largeBlobKey"]) for c in rp["credentials"]]
    blobs = LargeBlobs(ctap, *token(PERMISSION.LARGE_BLOB_WRITE))
    # Our client has stored it, and python-fido2 0.9.1 can't inflate it: it knows
    # zlib's wrapping around deflate, which the specification does not have.
    learned["ours"] = blobs.get_blob(keys[0])
    blobs.put_blob(keys[1], b"of python " * 100)
    blobs.put_blob(keys[2], b"to be deleted")
    learned["theirs"] = blobs.get_blob(keys[1]).decode()
    blobs.delete_blob(keys[2])
    learned["deleted"] = blobs.get_blob(keys[2]) is None
    learned["entries"] = len(blobs.read_blob_array())
    # python-fido2 0.9.1 sends the length of the fragment instead of the array's,
    # with each fragment instead of the first: it can't write more than one.
    learned["fragments"] = refusal(blobs.put_blob, keys[2], os.urandom(1500))
    learned["entriesAfter"] = len(blobs.read_blob_array())


def configure():
    global pin
    config = Config(ctap, *token(PERMISSION.AUTHENTICATOR_CFG))
    learned["alwaysUv"] = [ctap.get_info().options["alwaysUv"]]
    for _ in range(2):
        config.toggle_always_uv()
        learned["alwaysUv"].append(ctap.get_info().options["alwaysUv"])
    config.toggle_always_uv()
    config.set_min_pin_length(min_pin_length=6, rp_ids=["example.com"])
    info = ctap.get_info()
    learned["minPINLength"] = info.min_pin_length
    learned["forcePINChange"] = [info.force_pin_change]
    learned["tooShort"] = refusal(pins.change_pin, pin, "12345")
    pins.change_pin(pin, "123456")
    pin = "123456"
    config = Config(ctap, *token(PERMISSION.AUTHENTICATOR_CFG))
    learned["lower"] = refusal(config.set_min_pin_length, 5)
    learned["forcePINChange"].append(ctap.get_info().force_pin_change)
    config.set_min_pin_length(force_change_pin=True)
    learned["forcePINChange"].append(ctap.get_info().force_pin_change)


def select_and_reset():
    ctap.selection()
    ctap.reset()
    learned["clientPin"] = ctap.get_info().options["clientPin"]


{
    "credentials": manage_credentials,
    "fingerprints": manage_fingerprints,
    "blobs": manage_blobs,
    "config": configure,
    "reset": select_and_reset,
}[sys.argv[2]]()
print(json.dumps(learned))
