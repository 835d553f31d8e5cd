package pinuv_test

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2/pinuv"
)

// Both ends of a login with a PIN, without the commands that carry the values.
func Example() {
	// The authenticator: the PIN's hash is stored, the key agreement key is made at power-up.
	storedHash := pinuv.HashPIN([]byte("1234"))
	agreement, err := pinuv.GenerateKeyAgreement(nil)
	if err != nil {
		log.Fatal(err)
	}

	// The platform has asked for the key with getKeyAgreement. It sends its own key and the encrypted hash.
	platformKey, secret, err := pinuv.Two.Encapsulate(nil, agreement.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	defer secret.Wipe()
	pinHash := pinuv.HashPIN([]byte("1234"))
	pinHashEnc, err := secret.Encrypt(nil, pinHash[:])
	if err != nil {
		log.Fatal(err)
	}

	// The authenticator compares the hashes and answers with a token.
	theirs, err := agreement.Decapsulate(pinuv.Two, platformKey)
	if err != nil {
		log.Fatal(err)
	}
	defer theirs.Wipe()
	received, err := theirs.Decrypt(pinHashEnc)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("PIN correct:", subtle.ConstantTimeCompare(received, storedHash[:]) == 1)
	random := make([]byte, 32)
	rand.Read(random)
	issued, err := pinuv.NewToken(pinuv.Two, random)
	if err != nil {
		log.Fatal(err)
	}
	tokenEnc, err := theirs.Encrypt(nil, issued.ExposeSecret())
	if err != nil {
		log.Fatal(err)
	}

	// The platform authenticates a command with it.
	raw, err := secret.Decrypt(tokenEnc)
	if err != nil {
		log.Fatal(err)
	}
	token, err := pinuv.NewToken(pinuv.Two, raw)
	if err != nil {
		log.Fatal(err)
	}
	defer token.Wipe()
	clientDataHash := sha256.Sum256([]byte("client data"))
	pinUvAuthParam := token.Authenticate(clientDataHash[:])

	fmt.Println("command authentic:", issued.Verify(clientDataHash[:], pinUvAuthParam))
	fmt.Println(token)
	// Output:
	// PIN correct: true
	// command authentic: true
	// Token(redacted)
}

func ExampleCheckPIN() {
	typed := []byte("cafe\u0301") // with a combining accent
	pin, err := pinuv.NormalizePIN(typed)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(typed), "bytes typed,", len(pin), "bytes sent")
	fmt.Println(pinuv.CheckPIN(pin, 4, 63))
	err = pinuv.CheckPIN(pin, 6, 63)
	fmt.Println(err)
	if e, ok := errors.AsType[*pinuv.PINError](err); ok {
		fmt.Println(e.Rule)
	}
	// Output:
	// 6 bytes typed, 5 bytes sent
	// <nil>
	// the PIN is too short: it has 4 characters and the key asks for at least 6
	// PIN too short
}

func ExampleSharedSecret_Verify() {
	agreement, err := pinuv.GenerateKeyAgreement(nil)
	if err != nil {
		log.Fatal(err)
	}
	_, secret, err := pinuv.Two.Encapsulate(nil, agreement.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	defer secret.Wipe()

	// setPIN carries the padded PIN, encrypted, and a MAC over the ciphertext.
	padded, err := pinuv.PadPIN([]byte("1234"))
	if err != nil {
		log.Fatal(err)
	}
	newPinEnc, err := secret.Encrypt(nil, padded)
	if err != nil {
		log.Fatal(err)
	}
	pinUvAuthParam := secret.Authenticate(newPinEnc)

	fmt.Println(len(newPinEnc), len(pinUvAuthParam), secret.Verify(newPinEnc, pinUvAuthParam))
	fmt.Println("the first half of a MAC:", secret.Verify(newPinEnc, pinUvAuthParam[:16]))
	// Output:
	// 80 32 true
	// the first half of a MAC: false
}

func ExampleUnpadPIN() {
	padded, err := pinuv.PadPIN([]byte("1234"))
	if err != nil {
		log.Fatal(err)
	}
	pin, err := pinuv.UnpadPIN(padded)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes padded, %q\n", len(padded), pin)
	// Output: 64 bytes padded, "1234"
}

func ExampleToken_DecryptMember() {
	// The authenticator encrypts its identifier for the holder of a persistent token, anew for each getInfo.
	token, err := pinuv.NewToken(pinuv.Two, make([]byte, 32))
	if err != nil {
		log.Fatal(err)
	}
	encIdentifier, err := token.EncryptMember(nil, pinuv.EncIdentifier, [16]byte{0xde, 0xad})
	if err != nil {
		log.Fatal(err)
	}
	identifier, err := token.DecryptMember(pinuv.EncIdentifier, encIdentifier)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", identifier)
	// Output: dead0000000000000000000000000000
}
