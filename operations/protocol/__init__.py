"""The wire protocol for other programs: TypeScript types and an AsyncAPI document."""
