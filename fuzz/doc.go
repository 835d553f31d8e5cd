// Package fuzz has the fuzz targets that cross packages: whole conversations
// between the host's tower and a key that is hostile, and between a hostile
// host and the software key. The targets of one package are beside its code;
// README.md lists them all, and says how to run them and what to do with a
// finding.
//
// There is nothing here to import.
package fuzz

//go:generate go test -run ^TestSeeds$ -update .
