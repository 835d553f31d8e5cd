package nfc

import (
	"fmt"

	"github.com/gofido/fido/nfc/iso7816"
)

// AID is the identifier of the FIDO application (CTAP 2.3 section 11.3.3).
const AID = "\xa0\x00\x00\x06\x47\x2f\x00\x01"

// The instructions of CTAP over APDUs, of class 0x80 (CTAP 2.3 section 11.3.5).
const (
	INSMessage     byte = 0x10 // NFCCTAP_MSG: a CTAP2 request
	INSGetResponse byte = 0x11 // NFCCTAP_GETRESPONSE: asks again for what is not ready yet
	INSControl     byte = 0x12 // NFCCTAP_CONTROL: P1 0x01 ends the session
)

const (
	claCTAP byte = 0x80
	claISO  byte = 0x00

	// p1GetResponse in NFCCTAP_MSG says that the host can ask again with
	// NFCCTAP_GETRESPONSE.
	p1GetResponse byte = 0x80
	// p1Cancel in NFCCTAP_GETRESPONSE ends the request.
	p1Cancel byte = 0x11
	// p1End in NFCCTAP_CONTROL ends the session.
	p1End byte = 0x01
	// p1ByName in SELECT chooses an application by its identifier.
	p1ByName byte = 0x04
)

// SWWorking is the status word 9100: the card still works on a request, and its
// one byte of data says whether it waits for the user (CTAP 2.3 section
// 11.3.7.1).
const SWWorking iso7816.StatusWord = 0x9100

// The statuses that come with SWWorking.
const (
	StatusProcessing byte = 1
	StatusUPNeeded   byte = 2
)

// The answers to SELECT. A card that speaks CTAP2 and U2F gives the one of U2F.
const (
	VersionU2F    = "U2F_V2"
	VersionFIDO20 = "FIDO_2_0"
)

// commandNames are the instructions by class and code, for traces.
var commandNames = map[[2]byte]string{
	{claISO, iso7816.INSSelect}:       "SELECT",
	{claISO, iso7816.INSGetResponse}:  "GET RESPONSE",
	{claCTAP, iso7816.INSGetResponse}: "GET RESPONSE",
	{claCTAP, INSMessage}:             "NFCCTAP_MSG",
	{claCTAP, INSGetResponse}:         "NFCCTAP_GETRESPONSE",
	{claCTAP, INSControl}:             "NFCCTAP_CONTROL",
	{claISO, 0x01}:                    "U2F_REGISTER",
	{claISO, 0x02}:                    "U2F_AUTHENTICATE",
	{claISO, 0x03}:                    "U2F_VERSION",
}

func commandName(cla, ins byte) string {
	name, ok := commandNames[[2]byte{cla &^ iso7816.CLAChain, ins}]
	if !ok {
		name = fmt.Sprintf("INS %02x", ins)
	}
	if cla&iso7816.CLAChain != 0 {
		name += ", a segment"
	}
	return name
}
