package cbor_test

import (
	"testing"

	fx "github.com/fxamacker/cbor/v2"

	"github.com/gofido/fido/cbor"
)

// info is what a client reads of a getInfo reply.
type info struct {
	Versions   []string          `cbor:"1,keyasint"`
	Extensions []string          `cbor:"2,keyasint"`
	AAGUID     [16]byte          `cbor:"3,keyasint"`
	Options    map[string]bool   `cbor:"4,keyasint"`
	MaxMsgSize uint64            `cbor:"5,keyasint"`
	Protocols  []uint64          `cbor:"6,keyasint"`
	MaxCreds   uint64            `cbor:"7,keyasint"`
	MaxIDLen   uint64            `cbor:"8,keyasint"`
	Transports []string          `cbor:"9,keyasint"`
	Algorithms []cbor.RawMessage `cbor:"10,keyasint"`
}

func BenchmarkCheck(b *testing.B) {
	wellformed, err := fx.DecOptions{}.DecMode()
	if err != nil {
		b.Fatal(err)
	}
	for name, data := range map[string][]byte{"getInfo": getInfo(b), "unsorted": unsortedMap(60)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			room := make([]cbor.Deviation, 0, 256)
			for b.Loop() {
				if _, err := cbor.Check(room, data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/wellformed only, other library", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := wellformed.Wellformed(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for name, data := range map[string][]byte{"nested unsorted maps": slowMap(), "keys with a common prefix": commonPrefix()} {
		b.Run("hostile/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			room := make([]cbor.Deviation, 0, 2*len(data))
			for b.Loop() {
				if _, err := cbor.Check(room, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	data := getInfo(b)
	other, err := fx.DecOptions{
		DupMapKey:       fx.DupMapKeyEnforcedAPF,
		IndefLength:     fx.IndefLengthForbidden,
		TagsMd:          fx.TagsForbidden,
		MaxNestedLevels: cbor.MaxDepth,
	}.DecMode()
	if err != nil {
		b.Fatal(err)
	}
	lenient := func(data []byte, v any) error {
		_, err := cbor.UnmarshalLenient(data, v)
		return err
	}
	for _, way := range []struct {
		name      string
		unmarshal func([]byte, any) error
	}{{"strict", cbor.Unmarshal}, {"lenient", lenient}, {"other library", other.Unmarshal}} {
		b.Run(way.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				var v info
				if err := way.unmarshal(data, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	var v info
	if err := cbor.Unmarshal(getInfo(b), &v); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	dst := make([]byte, 0, 1024)
	for b.Loop() {
		var err error
		if dst, err = cbor.Append(dst[:0], &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDiagnose(b *testing.B) {
	data := getInfo(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		var err error
		if dst, err = cbor.AppendDiagnostic(dst[:0], data); err != nil {
			b.Fatal(err)
		}
	}
}
