"""Local time in the guest: this machine's time zone, POSIX rules, and the files of zones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_wasi.runtime import zone

TIMES = (0, 951782400, 1700000000, 1711846799, 1711846800, 1718000000, 1729990799, 1729990800, 4102444800, 4118000000,
         -1700000000)  # fmt: skip
CODE = f"""
import json, time
print(json.dumps([time.tzname, time.timezone, time.altzone, time.daylight, [
    [*time.localtime(t), time.localtime(t).tm_gmtoff, time.strftime('%Z %z', time.localtime(t)),
     time.mktime((*time.localtime(t)[:8], time.localtime(t).tm_isdst))] for t in {TIMES}]]))
"""


@pytest.fixture
def _zones(request: pytest.FixtureRequest) -> None:
    if zone.find_zones() is None:
        if request.config.getoption("--require-toolchain"):
            pytest.fail("this machine has no time zones: apt-get install tzdata")
        pytest.skip("this machine has no time zones")


needs_zones = pytest.mark.usefixtures("_zones")


def native(code: str, setting: str) -> object:
    done = subprocess.run([sys.executable, "-c", code], env={"TZ": setting}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "setting",
    ["UTC0", "XXX+2", "<-0330>3:30", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT4,M3.2.0/2,M11.1.0/2",
     "AAA-10:30BBB-11,J91/2,J301/2", "CCC3DDD2,90/1:30:15,300/-2", "NZST-12NZDT,M9.5.0,M4.1.0/3"],
)  # fmt: skip
def test_rules(guest, setting):
    assert json.loads(guest("-c", CODE, env={"TZ": setting}).stdout) == native(CODE, setting)


@needs_zones
@pytest.mark.parametrize(
    "setting",
    ["Europe/Berlin", ":America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Etc/GMT+9",
     "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia"],
)  # fmt: skip
def test_zones(guest, setting):
    ours, theirs = json.loads(guest("-c", CODE, env={"TZ": setting}).stdout), native(CODE, setting)
    assert ours[4] == theirs[4]
    assert ours[1:4] == theirs[1:4]


@needs_zones
def test_the_zone_can_change(guest):
    code = (
        "import datetime, os, time, zoneinfo\nprint(time.tzname[0])\n"
        "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset(); print(time.tzname[0], time.localtime(0).tm_hour)\n"
        "moment = datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))\n"
        "print(moment.astimezone(), datetime.datetime(2024, 7, 1, 12).astimezone().utcoffset())\n"
        "del os.environ['TZ']; time.tzset(); print(time.tzname[0])\n"
    )
    lines = ["EST", "JST 9", "2024-07-01 19:00:00+09:00 9:00:00", "UTC"]
    assert guest("-c", code, env={"TZ": "America/New_York"}).stdout.splitlines() == lines


@pytest.mark.parametrize(
    "setting", ["Nowhere/Here", "../../etc/passwd", "/etc/passwd", "X", "AB3", "AAA-1BBB,M13.1.0,M3.1.0"]
)
def test_what_is_no_zone_is_utc(guest, setting):
    code = "import time; print(time.localtime(1718000000)[:5], time.localtime().tm_gmtoff)"
    assert guest("-c", code, env={"TZ": setting}).stdout == "(2024, 6, 10, 6, 13) 0\n"


def test_isolated_is_utc_and_sees_no_zones(guest):
    code = "import os, time; print(time.tzname[0], os.environ.get('TZ'), os.path.exists('/usr/share/zoneinfo'))"
    assert guest("--isolated", "-c", code, env={"TZ": "CET-1"}).stdout == "UTC None False\n"
    assert guest("--isolated", "--env", "TZ", "-c", code, env={"TZ": "CET-1"}).stdout == "CET CET-1 False\n"


@needs_zones
def test_zones_are_read_only(guest):
    code = "try: open('/usr/share/zoneinfo/new', 'w')\nexcept OSError: print('refused')"
    assert guest("-c", code).stdout == "refused\n"


def test_setting_of_this_machine(tmp_path):
    zones, local = tmp_path / "zones", tmp_path / "localtime"
    (zones / "Europe").mkdir(parents=True)
    rule = b"TZif2" + b"\0" * 80 + b"\nCET-1CEST,M3.5.0,M10.5.0/3\n"
    (zones / "Europe" / "Berlin").write_bytes(rule)
    (zones / "UTC").write_bytes(b"TZif2" + b"\0" * 80 + b"\nUTC0\n")

    def found(environment: dict[str, str], folder: Path | None = zones) -> str | None:
        return zone.setting(environment, str(folder) if folder else None, str(local))

    assert found({}) is None
    local.symlink_to(zones / "Europe" / "Berlin")
    assert found({}) == "Europe/Berlin"
    assert found({}, None) == "CET-1CEST,M3.5.0,M10.5.0/3"
    assert found({"TZ": ""}) == ""
    assert found({"TZ": "Asia/Tokyo"}) == "Asia/Tokyo"
    assert found({"TZ": f":{local}"}) == "Europe/Berlin"
    assert found({"TZ": str(zones / "UTC")}) is None
    local.unlink()
    local.write_bytes(rule)
    assert found({}) == "CET-1CEST,M3.5.0,M10.5.0/3"
    local.write_bytes(b"root:x:0:0\n")
    assert found({}) is None
