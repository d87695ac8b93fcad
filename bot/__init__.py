"""Second Key: Microsoft Entra PIM approvals in Microsoft Teams."""
