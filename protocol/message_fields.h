/* message_fields.h: how many fields each message has in version 1, its type included.  For this folder only. */
#ifndef SVODKA_PROTOCOL_MESSAGE_FIELDS_H
#define SVODKA_PROTOCOL_MESSAGE_FIELDS_H

#define HELLO_FIELDS     20u
#define HELLO_WORDS      1u /* field 20, of those that take words */
#define HELLO_ELSEWHERE  2u /* and field 21 */
#define HELLO_KNOWN      3u /* and field 22 */
#define OFFER_FIELDS     3u
#define WELCOME_FIELDS   15u
#define WELCOME_WORDS    1u /* field 15, when there are words */
#define CHUNK_FIELDS     6u
#define ACK_FIELDS       4u
#define SIGNED_FIELDS    2u /* RECEIPT, RECONCILE_REPLY, WORD */
#define RECONCILE_FIELDS 4u
#define GET_FIELDS       3u
#define OBJECT_FIELDS    5u
#define BYE_FIELDS       1u
#define ERROR_FIELDS     4u

#endif
