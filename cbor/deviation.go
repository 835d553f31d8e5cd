package cbor

import "strconv"

// Kind says how an encoding departs from CTAP2 canonical form.
type Kind uint8

// The kinds of deviation.
const (
	UnsortedKeys     Kind = iota + 1 // a map key that sorts before the key in front of it
	DuplicateKey                     // a map key that equals an earlier key of the same map
	NonMinimalInt                    // an integer in more bytes than it needs
	NonMinimalLength                 // a length or count in more bytes than it needs
	IndefiniteLength                 // a string, array or map without its length in front
	Tag                              // a tag
	Float                            // a floating-point number
	SimpleValue                      // a simple value other than false, true, null and undefined
	TrailingBytes                    // bytes behind the item
	InvalidUTF8                      // text that is not UTF-8
	TooDeep                          // more than MaxDepth arrays and maps inside each other
)

var kindText = [...]string{
	UnsortedKeys:     "map keys out of order",
	DuplicateKey:     "duplicate map key",
	NonMinimalInt:    "integer not in its shortest form",
	NonMinimalLength: "length not in its shortest form",
	IndefiniteLength: "indefinite length",
	Tag:              "tag",
	Float:            "floating-point number",
	SimpleValue:      "unassigned simple value",
	TrailingBytes:    "trailing bytes",
	InvalidUTF8:      "text that is not valid UTF-8",
	TooDeep:          "nesting deeper than 4 levels",
}

// String describes k in a few words.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindText) {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kindText[k]
}

// Deviation is one departure from CTAP2 canonical form.
type Deviation struct {
	Kind   Kind
	Offset int // of the first byte of the item concerned; for TrailingBytes of the first byte too many
}

// String describes d, for example "map keys out of order at byte 17".
func (d Deviation) String() string {
	return d.Kind.String() + " at byte " + strconv.Itoa(d.Offset)
}
