"""Deploys the Pulumi program to the emulator, by mocks that create real resources."""

from local.deployer.deployer import Deployer, Ledger
from local.deployer.resource import Created, DeployError, Kind, Resource

__all__ = ["Created", "DeployError", "Deployer", "Kind", "Ledger", "Resource"]
