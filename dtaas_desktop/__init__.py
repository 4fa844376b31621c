"""DTaaS Desktop moves tables: exactly, quickly, and shown while it happens.

The map of the layers; imports go down only (import-linter holds it):

    ui | cli                  what a person touches: the window, the command line
    services                  what is remembered: workspace, metadata, secrets, locks, the run service
    engine                    how a run goes: plan, stage, publish, cancel, retry, counts
    transforms | connectors   what happens to a batch | how a system is read and written
    domain                    values and rules without any I/O: tables, designs, tasks, plans, ports, errors
"""

__version__ = "0.1.0"
