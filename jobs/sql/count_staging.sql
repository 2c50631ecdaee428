SELECT count() FROM {staging:Identifier}
