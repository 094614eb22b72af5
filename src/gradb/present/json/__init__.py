"""Events and values as JSON: the contract of docs/json.md."""
