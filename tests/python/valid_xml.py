"""Holds a file against the published schema of an ISO 20022 message: valid_xml.py MESSAGE FILE."""

import sys
from importlib.metadata import distribution

from lxml import etree

message, file = sys.argv[1:]
package, folder = ("sepaxml", "sepaxml/schemas") if message.startswith("pain") else ("camt053", "camt053/xsd")
schema = etree.XMLSchema(etree.parse(str(distribution(package).locate_file(f"{folder}/{message}.xsd"))))
document = etree.parse(file)
if not schema.validate(document):
    sys.exit("\n".join(str(error) for error in schema.error_log))
