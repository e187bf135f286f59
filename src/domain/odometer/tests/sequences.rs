//! The sequences: a name, the person's time zone, the readings and the expectations; see the module above.

pub(super) const SEQUENCES: [(&str, &str, &str); 29] = [
    (
        "readings of one month",
        "UTC",
        "2026-10-05 00:00 4.00
         2026-10-09 00:00 6.00
         days 2026-10-01 1, 2026-10-02 1, 2026-10-03 1, 2026-10-04 1, 2026-10-05 0.5, 2026-10-06 0.5, \
         2026-10-07 0.5, 2026-10-08 0.5
         = 2026-10-09 12:00 2026-10 6 open",
    ),
    (
        "month change: a smaller value closes the month before",
        "UTC",
        "2026-10-05 12:00 4.00
         2026-10-31 20:00 9.50
         2026-11-01 12:00 0.30
         = 2026-11-01 12:00 2026-10 9.5 closed, 2026-11 0.3 open",
    ),
    (
        "the month is over and nobody has looked",
        "UTC",
        "2026-10-31 23:59 9.50
         = 2026-11-01 00:00 2026-10 9.5 unfinished, 2026-11 - open",
    ),
    (
        "the old month's sum, read after its end",
        "UTC",
        "2026-10-20 12:00 9.00
         2026-11-02 12:00 11.00 --month 2026-10
         2026-11-03 12:00 0.70
         = 2026-11-03 12:00 2026-10 11 final, 2026-11 0.7 open",
    ),
    (
        "the old month's sum, read after the new one's first",
        "UTC",
        "2026-10-20 12:00 9.00
         2026-11-02 12:00 0.70
         2026-11-03 12:00 11.00 --month 2026-10
         2026-11-03 12:05 0.80
         = 2026-11-03 12:00 2026-10 11 final, 2026-11 0.8 open",
    ),
    (
        "the old month's sum grows after its end, by late billing",
        "UTC",
        "2026-10-20 00:00 19.00
         2026-11-01 09:00 31.00 --month 2026-10
         2026-11-02 09:00 32.00 --month 2026-10
         = 2026-11-02 12:00 2026-10 32 final, 2026-11 - open",
    ),
    (
        "just after the month's end a value may be of either month",
        "UTC",
        "2026-10-31 22:00 9.50
         2026-11-01 00:20 9.60 ! --month 2026-10 or --month 2026-11
         2026-11-01 00:20 9.60 --month 2026-10
         2026-11-01 09:00 9.60 ! --month
         2026-11-01 09:00 9.60 --month 2026-11
         = 2026-11-01 09:00 2026-10 9.6 final, 2026-11 9.6 open",
    ),
    (
        "a larger value later in the new month is the new month's",
        "UTC",
        "2026-10-31 22:00 9.50
         2026-11-02 02:01 12.00
         = 2026-11-02 03:00 2026-10 9.5 closed, 2026-11 12 open",
    ),
    (
        "nothing spent in either month",
        "UTC",
        "2026-10-31 22:00 0
         2026-11-01 00:20 0
         = 2026-11-01 09:00 2026-10 0 closed, 2026-11 0 open",
    ),
    (
        "a missed month",
        "UTC",
        "2026-09-28 12:00 5.00
         2026-11-04 12:00 1.00
         = 2026-11-04 12:00 2026-09 5 closed, 2026-10 - missed, 2026-11 1 open",
    ),
    (
        "a missed month that is read on an invoice",
        "UTC",
        "2026-09-28 12:00 5.00
         2026-11-04 12:00 1.00
         2026-11-05 12:00 3.10 --month 2026-10
         = 2026-11-05 12:00 2026-09 5 closed, 2026-10 3.1 final, 2026-11 1 open
         days 2026-10-15 0.1",
    ),
    (
        "a smaller value in the same month is refused, and no other",
        "UTC",
        "2026-10-05 12:00 4.00
         2026-10-06 12:00 3.99 ! --correct
         2026-10-06 12:00 4.00
         2026-10-06 13:00 4.000000000001
         = 2026-10-06 13:00 2026-10 4.000000000001 open",
    ),
    (
        "a typing error is mended",
        "UTC",
        "2026-10-05 12:00 10.6
         2026-10-05 12:01 1.06 ! --correct
         2026-10-05 12:02 1.06 --correct
         2026-10-06 12:00 1.20
         = 2026-10-06 12:00 2026-10 1.2 open",
    ),
    (
        "a typing error upwards is mended too",
        "UTC",
        "2026-10-05 12:00 1.06
         2026-10-05 12:01 10.6 --correct
         = 2026-10-06 12:00 2026-10 10.6 open",
    ),
    (
        "a correction holds to the readings beside it",
        "UTC",
        "2026-10-05 12:00 2
         2026-10-06 12:00 30
         2026-10-07 12:00 40
         2026-10-08 12:00 3 --correct ! less than
         2026-10-08 12:00 3 --correct --at 2026-10-06_12:00
         2026-10-08 12:00 4 --correct
         = 2026-10-08 12:00 2026-10 4 open",
    ),
    (
        "a correction of a correction",
        "UTC",
        "2026-10-05 12:00 5
         2026-10-05 12:01 6 --correct
         2026-10-05 12:02 5 --correct
         2026-10-05 12:02 5 --correct ~
         = 2026-10-06 12:00 2026-10 5 open",
    ),
    (
        "nothing to correct",
        "UTC",
        "2026-10-05 12:00 5 --correct ! leave --correct out
         2026-10-06 12:00 5
         2026-10-07 12:00 4 --correct --at 2026-10-04_12:00 ! leave --correct out
         2026-11-01 12:00 4 --correct ! --month
         2026-11-01 12:00 4 --correct --month 2026-10
         = 2026-11-01 12:00 2026-10 4 final, 2026-11 - open",
    ),
    (
        "the same value again is a reading; the same reading again is none",
        "UTC",
        "2026-10-05 00:00 4
         2026-10-09 00:00 4
         2026-10-09 00:00 4 ~
         2026-10-10 00:00 5
         = 2026-10-10 00:00 2026-10 5 open
         days 2026-10-01 1, 2026-10-02 1, 2026-10-03 1, 2026-10-04 1, 2026-10-09 1",
    ),
    (
        "backdated, between two",
        "UTC",
        "2026-10-05 00:00 4
         2026-10-15 00:00 14
         2026-10-16 00:00 13 --at 2026-10-07_00:00
         2026-10-16 00:00 3 --at 2026-10-07_00:00 ! less than
         2026-10-16 00:00 15 --at 2026-10-07_00:00 ! later
         = 2026-10-16 00:00 2026-10 14 open
         days 2026-10-01 1, 2026-10-02 1, 2026-10-03 1, 2026-10-04 1, 2026-10-05 4.5, 2026-10-06 4.5, \
         2026-10-07 0.125, 2026-10-08 0.125, 2026-10-09 0.125, 2026-10-10 0.125, 2026-10-11 0.125, \
         2026-10-12 0.125, 2026-10-13 0.125, 2026-10-14 0.125",
    ),
    (
        "backdated, before all others and into the month before",
        "UTC",
        "2026-11-10 12:00 2
         2026-11-11 12:00 7 --at 2026-10-30_12:00
         2026-11-11 12:00 1 --at 2026-11-01_12:00
         = 2026-11-11 12:00 2026-10 7 closed, 2026-11 2 open",
    ),
    (
        "a leap February",
        "UTC",
        "2028-02-29 23:00 5.80
         2028-03-01 12:00 0.10
         = 2028-03-01 12:00 2028-02 5.8 closed, 2028-03 0.1 open",
    ),
    (
        "the invoice of a leap February is spread over 29 days",
        "UTC",
        "2028-03-02 12:00 2.90 --month 2028-02
         2028-03-02 12:01 0.20
         days 2028-02-29 0.1, 2028-02-01 0.1
         = 2028-03-02 12:01 2028-02 2.9 final, 2028-03 0.2 open",
    ),
    (
        "an ordinary February",
        "UTC",
        "2027-02-28 12:00 2.80
         2027-03-01 12:00 0.10
         = 2027-03-01 12:00 2027-02 2.8 closed, 2027-03 0.1 open",
    ),
    (
        "December to January",
        "UTC",
        "2026-12-31 23:00 30
         2027-01-01 01:00 0.01
         2027-01-01 02:00 31 --month 2026-12
         = 2027-01-01 02:00 2026-12 31 final, 2027-01 0.01 open",
    ),
    (
        "a zone ahead of the provider: midnight here, and the page has not begun anew",
        "Asia/Tokyo",
        "2026-10-31 23:00 9
         2026-11-01 08:00 9.2 ! --month
         2026-11-01 08:00 9.2 --month 2026-10
         2026-11-01 10:00 0.1
         = 2026-11-01 10:00 2026-10 9.2 final, 2026-11 0.1 open",
    ),
    (
        "a zone behind the provider: the page has begun anew, and it is still the old month here",
        "America/Los_Angeles",
        "2026-10-31 16:00 9
         2026-10-31 18:00 0.1 ! --month
         2026-10-31 18:00 0.1 --month 2026-11
         2026-11-01 12:00 0.7
         = 2026-11-01 12:00 2026-10 9 closed, 2026-11 0.7 open
         days 2026-11-01 0.7",
    ),
    (
        "the day on which clocks change has 25 hours",
        "Europe/Berlin",
        "2026-10-25 00:00 24
         2026-10-26 00:00 49
         2026-10-27 00:00 73
         days 2026-10-25 25, 2026-10-26 24, 2026-10-24 1
         = 2026-10-27 00:00 2026-10 73 open",
    ),
    (
        "months that are not there yet, and readings that were not taken yet",
        "UTC",
        "2026-10-05 12:00 4 --month 2026-11 ! had not begun
         2026-10-05 12:00 4 --at 2026-10-05_12:01 ! future
         2026-10-05 12:00 4 --month 2026-10 --at 2026-09-15_12:00 ! had not begun
         2026-10-05 12:00 4
         = 2026-10-05 12:00 2026-10 4 open",
    ),
    (
        "amounts that cannot be",
        "UTC",
        "2026-10-05 12:00 -1 ! below nothing
         2026-10-05 12:00 1000000.01 ! decimal point
         2026-10-05 12:00 0
         = 2026-10-05 12:00 2026-10 0 open",
    ),
];
