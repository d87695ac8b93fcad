"""The Teams app package: manifest, texts and icons."""
