"""Facts that the Pulumi program and the functions both rely on, each written once.

Standard library only: this package is in the layer of every function, and imports no other
package of this project.
"""
