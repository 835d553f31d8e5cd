package main

const (
	labelByCredential = "credential"
	labelByToken      = "encIdentifier"
)
