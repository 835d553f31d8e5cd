package hid

func advice(error) string {
	return "Windows keeps FIDO keys for itself: run the program as administrator."
}
