package virtual_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// A passkey with a large blob, for the test of a program that reads them.
func ExampleKey_SetLargeBlob() {
	key, client := newKey(virtual.Config{})
	credential, err := key.AddCredential(virtual.NewCredential{
		RP:           ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada")},
		Discoverable: true,
		LargeBlob:    true,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := key.SetLargeBlob(credential.ID, []byte("a certificate")); err != nil {
		log.Fatal(err)
	}
	data, err := client.GetLargeBlob(context.Background(), credential.LargeBlobKey)
	fmt.Printf("%s %v\n", data, err)
	// Output: a certificate <nil>
}

// What a program has stored for a passkey.
func ExampleKey_LargeBlob() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	request := register("ada")
	request.Extensions.RequestLargeBlobKey()
	made, err := client.MakeCredential(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	if err := client.SetLargeBlob(ctx, nil, made.LargeBlobKey, []byte("a certificate")); err != nil {
		log.Fatal(err)
	}
	data, err := key.LargeBlob(key.Credentials()[0].ID)
	fmt.Printf("%s %v\n", data, err)
	// Output: a certificate <nil>
}

func ExampleKey_LargeBlobArray() {
	key, _ := newKey(virtual.Config{})
	array, err := ctap2.ParseLargeBlobArray(key.LargeBlobArray())
	fmt.Println(len(array), err)
	// Output: 0 <nil>
}

// A key with damaged large blobs: a host must not write over them unasked.
func ExampleKey_SetLargeBlobArray() {
	key, client := newKey(virtual.Config{})
	damaged := ctap2.LargeBlobArray{{0xa0}}.Append(nil)
	damaged[0] ^= 1
	if err := key.SetLargeBlobArray(damaged); err != nil {
		log.Fatal(err)
	}
	_, err := client.ReadLargeBlobs(context.Background())
	fmt.Println(errors.Is(err, ctap2.StatusIntegrityFailure))
	// Output: true
}

// Some keys list large blobs and answer CTAP1_ERR_OTHER to every use of them.
func ExampleFaults_largeBlobs() {
	_, client := newKey(virtual.Config{Faults: virtual.Faults{Override: map[ctap2.Command]virtual.Reply{
		ctap2.CommandLargeBlobs: {Status: ctap2.StatusOther},
	}}})
	_, err := client.ReadLargeBlobs(context.Background())
	fmt.Println(errors.Is(err, ctap2.StatusOther))
	// Output: true
}
