package main

// steps lists what is checked, in the order of running: what is quick and what
// others build on first.
var steps = []step{
	{"packages", "the Debian packages that the other steps need are installed", nil, stepPackages},
	{"gofmt", "every Go file is formatted", nil, stepGofmt},
	{"vet", "go vet, as is and with each build tag of the project", packagesFor("cgo"), stepVet},
	{"vet-cross", "go vet for other systems", nil, stepVetCross},
	{"build", "the library and the examples build without cgo for every system", nil, stepBuild},
	{"build-cgo", "the parts that need cgo elsewhere build and link for Windows", packagesFor("windows"), stepBuildCgo},
	{"test", "all tests and examples", nil, stepTest},
	{"test-tags", "the tests of packages that have build tags, with these", packagesFor("cgo"), stepTestTags},
	{"race", "all tests under the race detector", packagesFor("cgo"), stepRace},
	{"system", "the system tests, in a virtual machine", packagesFor("system"), stepSystem},
	{"fuzz", "every fuzz target, for -fuzztime each", nil, stepFuzz},
	{"demo", "the first command of the README", nil, stepDemo},
}
