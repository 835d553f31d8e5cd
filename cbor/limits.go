package cbor

const (
	// MaxDepth is how many arrays and maps may stand inside each other in a CTAP2 message (CTAP 2.3 section 8).
	// Deeper nesting is a deviation.
	MaxDepth = 4

	// MaxElements is how many elements an array, or pairs a map, may have. It is a bound of this package and not of
	// CTAP, far above what a message of 7,609 bytes (the most that CTAPHID carries) can put to use.
	MaxElements = 4096

	// maxLenientDepth is the nesting at which the lenient functions give up too.
	maxLenientDepth = 16
)
