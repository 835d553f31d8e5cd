package conformance_test

// withSensor are the cases about keys that enrol fingerprints. BE-12 wants one
// with the preview.
var withSensor = []string{"BE-1", "BE-2", "BE-3", "BE-4", "BE-5", "BE-6", "BE-7", "BE-8", "BE-9", "BE-10", "BE-11", "BE-12", "BE-13"}
