"""The catalogue of test purposes: what must hold, which clause says so, what a lab needs, which faults expose it."""

from imsproof.catalogue.model import Catalogue, CatalogueError, Citation, TestPurpose, load

__all__ = ["Catalogue", "CatalogueError", "Citation", "TestPurpose", "load"]
