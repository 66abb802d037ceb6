/* indicator_columns.h: the columns that every list of indicators for programs begins with, of `indicators` and of
 * `publish`.  They are a contract (docs/indicators.md): scripts depend on their names and their order; each list adds
 * its own behind them. */
#ifndef SVODKA_HUB_INDICATOR_COLUMNS_H
#define SVODKA_HUB_INDICATOR_COLUMNS_H

#include "common/table.h"

#define INDICATOR_COLUMN_COUNT 17u
#define INDICATOR_TEXT(name)                                                                                           \
    {                                                                                                                  \
        name, name, TABLE_LEFT, false                                                                                  \
    }
#define INDICATOR_NUMBER(name)                                                                                         \
    {                                                                                                                  \
        name, name, TABLE_RIGHT, true                                                                                  \
    }
/* Initializers of as many struct table_column. */
#define INDICATOR_COLUMNS                                                                                              \
    INDICATOR_TEXT("programme"), INDICATOR_TEXT("indicator"), INDICATOR_TEXT("level"), INDICATOR_TEXT("unit"),         \
        INDICATOR_TEXT("period"), INDICATOR_TEXT("breakdown"), INDICATOR_NUMBER("value"),                              \
        INDICATOR_NUMBER("numerator"), INDICATOR_NUMBER("denominator"), INDICATOR_NUMBER("n"),                         \
        INDICATOR_TEXT("state"), INDICATOR_NUMBER("target"), INDICATOR_TEXT("target_status"),                          \
        INDICATOR_TEXT("unit_of_measure"), INDICATOR_NUMBER("reported"), INDICATOR_NUMBER("expected"),                 \
        INDICATOR_TEXT("version")

#endif
