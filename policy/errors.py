"""What is raised for a user to read."""


class UserError(Exception):
    """What a user reads when something can't be done: what was found, where, and the way out; a line a problem."""


class PolicyError(UserError, ValueError):
    """A field that breaks a rule of the RFCs.

    :param field: the field's name as the RFC has it, such as `max_age`.
    :param value: what was found; shortened in the message.
    :param rule: what should be there instead.
    :param section: of the rule, such as `RFC 8461 3.2`.
    """

    def __init__(self, field: str, value: object, rule: str, section: str) -> None:
        super().__init__(field, value, rule, section)
        self.field = field
        self.value = value
        self.rule = rule
        self.section = section

    def __str__(self) -> str:
        shown = repr(self.value)
        if len(shown) > 80:
            shown = f"{shown[:76]}…{shown[-1]}"
        return f"{self.field} {shown}: {self.rule} ({self.section})"
