package nfc

// ExtendedLengths reports whether a card's ATR says that it takes Lc and Le of
// the extended form: the historical bytes hold card capabilities (ISO/IEC
// 7816-4 section 12.1.1.9) whose third byte has bit 7 set.
func ExtendedLengths(atr []byte) bool {
	const capabilities, extended = 7, 0x40
	h := historicalBytes(atr)
	if len(h) == 0 || h[0] != 0x80 && h[0] != 0x00 {
		return false // not in compact TLV
	}
	objects := h[1:]
	if h[0] == 0x00 && len(objects) >= 3 {
		objects = objects[:len(objects)-3] // a status indicator stands behind them
	}
	for len(objects) > 0 {
		tag, size := objects[0]>>4, int(objects[0]&0x0f)
		objects = objects[1:]
		if size > len(objects) {
			return false
		}
		if tag == capabilities && size >= 3 {
			return objects[2]&extended != 0
		}
		objects = objects[size:]
	}
	return false
}

// historicalBytes returns those of an ATR (ISO/IEC 7816-3 section 8.2), nil if
// it is cut short.
func historicalBytes(atr []byte) []byte {
	if len(atr) < 2 {
		return nil
	}
	n := int(atr[1] & 0x0f)
	// T0's upper half says which of TA, TB, TC and TD follow, and so does that of
	// each TD.
	at := 2
	for present := atr[1] >> 4; present != 0; {
		for bit := byte(1); bit < 8; bit <<= 1 {
			if present&bit != 0 {
				at++
			}
		}
		if present&8 == 0 {
			break
		}
		if at >= len(atr) {
			return nil
		}
		present = atr[at] >> 4
		at++
	}
	if at+n > len(atr) {
		return nil
	}
	return atr[at : at+n]
}
