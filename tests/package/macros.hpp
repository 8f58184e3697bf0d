// Macros that systems' headers define under common names, as a program may have them before it includes dcs. <cstddef> comes first: libstdc++ takes
// min and max away with the first of its headers.
#include <cstddef>
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define near
#define far
#define small char
#define interface struct
#define I _Complex_I
