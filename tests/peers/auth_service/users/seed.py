"""The users that every test may log in as. The password of each is `password-of-` and the part before the @."""

from django.contrib.auth import get_user_model

from users.models import Employee, Profile

USERS = [
    # John's tokens have no user_type, so whoever reads them sees the default, staff.
    {
        "id": 123,
        "email": "user@example.com",
        "first_name": "John",
        "last_name": "Doe",
        "user_type": "",
        "company_id": "MA0001",
        "systems": ["TTS", "AMS"],
        "roles": [{"system": "TTS", "role": "Technician"}, {"system": "AMS", "role": "User"}],
    },
    {
        "id": 7,
        "email": "mary@example.com",
        "first_name": "Mary",
        "last_name": "Major",
        "user_type": "manager",
        "company_id": "MA0002",
        "systems": ["TTS"],
        "roles": [{"system": "TTS", "role": "Admin"}],
    },
    {
        "id": 12,
        "email": "tech@example.com",
        "first_name": "Tess",
        "last_name": "Technician",
        "user_type": "staff",
        "company_id": "MA0001",
        "systems": ["TTS"],
        "roles": [{"system": "TTS", "role": "Technician"}],
    },
    # The platform's administrator, who makes system users.
    {
        "id": 1,
        "email": "admin@example.com",
        "first_name": "Ada",
        "last_name": "Administrator",
        "user_type": "admin",
        "company_id": "MA0001",
        "systems": [],
        "roles": [],
        "is_staff": True,
    },
]

EMPLOYEES = [{"id": 5, "first_name": "Erin", "last_name": "Employee", "department": "Help Desk"}]


def seed():
    for entry in USERS:
        user = get_user_model()(
            id=entry["id"],
            username=entry["email"],
            email=entry["email"],
            first_name=entry["first_name"],
            last_name=entry["last_name"],
            is_staff=entry.get("is_staff", False),
        )
        user.set_password("password-of-" + entry["email"].split("@")[0])
        user.save()
        fields = {name: entry[name] for name in ("user_type", "company_id", "systems", "roles")}
        Profile.objects.update_or_create(user=user, defaults=fields)
    for entry in EMPLOYEES:
        Employee.objects.update_or_create(id=entry["id"], defaults=entry)
